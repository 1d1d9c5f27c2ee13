"""The project as its analyst wrote it: study, sources, selects and standards."""
