"""Synthetic sources: deliveries whose truth is known, made from the project's own selects and settings.

What a generated person is like stands in `sql/synthetic/`, how many there are and how they are drawn in the source's file.
Nothing in here knows what the variables mean.
"""
