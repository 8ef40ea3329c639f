"""What a server serves: --serves."""
