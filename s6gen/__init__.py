"""Renders s6-rc source definition directories that keep a certificate renewed."""

__version__ = "0.1.0"
