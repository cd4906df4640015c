"""What code means, free of syntax."""
