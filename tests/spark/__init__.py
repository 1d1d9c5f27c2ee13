"""What runs on a server of Spark Connect."""
