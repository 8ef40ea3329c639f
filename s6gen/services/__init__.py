"""The kinds of services that can be rendered, and their parameters."""
