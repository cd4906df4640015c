"""libcst tree to Graph."""
