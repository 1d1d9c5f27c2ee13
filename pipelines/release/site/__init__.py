"""A static site of the releases, for a web server or a folder that is handed on: plain files, links among themselves only.

Everything is read from what anybody may see: the public databases of releases, and the pages that were published with them.
"""
