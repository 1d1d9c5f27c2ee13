"""Deliveries as received: found, fetched, watched and read. What they should hold is not known here."""
