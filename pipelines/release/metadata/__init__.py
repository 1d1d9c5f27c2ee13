"""A release in the words of archives and search engines: RO-Crate, DataCite, schema.org. Facts only, and each from one place.

They say what CITATION.cff says. What only its authors know of a study (authors, licence, identifier) comes from the section
`publication` of study.yaml, and is left out where it is not there.
"""
