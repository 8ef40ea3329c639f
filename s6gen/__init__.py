"""Renders the s6-rc source definition directories that keep a TLS certificate renewed."""

__version__ = "0.1.0"
