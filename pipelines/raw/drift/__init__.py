"""Drift: how a raw object differs from the wave before it and from the delivery before it. It warns and never rejects."""
