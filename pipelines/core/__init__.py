"""Raw becomes core: each wave of each source in one vocabulary."""
