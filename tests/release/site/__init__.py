"""The static site of the releases."""
