"""Fetches the files of a source as they are delivered, each whole or not at all, from a site or a folder.

`manifest.json` beside the files says where each came from. It is a judge of downloads only: nothing else reads it.
What does not belong here: which files a source has, where landing is, and what is in a file beyond its first record.
"""
