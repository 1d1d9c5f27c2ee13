"""All that knows Dagster: definitions, assets, the nightly job, sensors, runs and alerts."""
