"""What the tests stand on: real programs, started on free loopback ports and ended again."""
