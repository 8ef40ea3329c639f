"""The commands, each in a module of its own: what prints and exits."""
