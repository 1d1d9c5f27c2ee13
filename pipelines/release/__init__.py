"""Releases: what passed every check, composed beside the live one and published in one atomic step."""
