"""FILE.state: what one run tells the next."""
