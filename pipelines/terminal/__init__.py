"""Commands, and what a person reads in a terminal."""
