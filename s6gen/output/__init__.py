"""The directory that is rendered into: read, planned, written."""
