"""Damaged deliveries by the thousand: each is read, or refused without a word of what is in it."""
