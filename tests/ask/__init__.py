"""Questions asked of a release through SQL, the terminal and Python."""
