"""`report.html`: a release as one self-contained page that opens offline and prints, with its tables as Word and CSV beside it.

Everything is read from the public database of the release, so that what is hidden there stays hidden.
"""
