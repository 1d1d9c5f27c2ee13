"""The Dagster assets: one graph from deliveries to the release. What they do is in ingest, build and releases."""
