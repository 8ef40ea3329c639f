"""A picture of services, and two languages to draw it in."""
