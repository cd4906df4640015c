"""What each library's names mean: tables from qualified names to canonical ops, one file a library."""
