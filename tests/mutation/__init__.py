"""Mutation testing: a module is changed in one place, and a test must notice.

`make mutate` runs a sample; docs/testing.md lists what survived and why that is harmless.
"""
