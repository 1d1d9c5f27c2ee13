"""How long estimators take against a bare scan and the svy package, and contracts against hand-written SQL. Run: `make bench`."""
