"""The machine under the project: settings, files, locks, disk space, and errors that name a remedy."""
