"""Keeps FILE current: decides, orders, remembers."""
