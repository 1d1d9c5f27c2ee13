"""Contracts, readers, and the judging of rows."""
