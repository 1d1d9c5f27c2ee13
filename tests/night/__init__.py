"""The night: when it comes, what starts it, and whom it tells."""
