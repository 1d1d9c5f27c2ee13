"""How long the estimators take, against a bare scan of the same columns and against the svy package. Run: `make bench`."""
