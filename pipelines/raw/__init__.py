"""A delivery becomes raw: cast strictly, judged by its contract, accepted or rejected as a whole."""
