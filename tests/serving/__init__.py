"""The always-on set-up of docs/serving.md, from its committed files."""
