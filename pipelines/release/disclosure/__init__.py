"""Disclosure control: what of the report tables of a restricted source may be published.

Frames of report tables go in, and come out with small counts hidden and so much else that none of them follows from the rest.
How reliable a number is, is another matter (`presentation`, in pipelines.statistics). docs/disclosure.md has the rules.
"""
