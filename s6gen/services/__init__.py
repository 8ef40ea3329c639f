"""What can be rendered: each kind of service, and its parameters."""
