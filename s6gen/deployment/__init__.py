"""How a renewed certificate reaches the programs that use it."""
