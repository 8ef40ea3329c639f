"""What is wrong in sources: errors and warnings."""
