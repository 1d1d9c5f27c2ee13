"""Contracts by day: drafts, comparisons, versions, trials and the dictionary. No night calls it."""
