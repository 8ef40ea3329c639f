"""`s6gen.toml`: read, structured, begun."""
