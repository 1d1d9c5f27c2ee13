"""Whether readers can trust the warehouse while the night runs, dies, or has no space. Run: `make soak`."""
