"""Deployments: the way of a renewed certificate to the programs that use it."""
