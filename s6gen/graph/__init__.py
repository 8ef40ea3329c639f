"""A picture of services, and how it is drawn."""
