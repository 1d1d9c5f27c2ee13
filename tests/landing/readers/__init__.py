"""Deliveries of every format, good and hostile."""
