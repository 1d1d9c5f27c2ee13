"""Core becomes report: what is estimated, for whom, with which weight, and what is refused."""
