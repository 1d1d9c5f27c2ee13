"""A release in the words of archives and search engines."""
