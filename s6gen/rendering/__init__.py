"""Templates and parameters become a tree of files in memory."""
