"""The pictures of README and docs: what they show, and the digest of it that says when they are older than that."""
