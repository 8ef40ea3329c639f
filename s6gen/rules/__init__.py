"""What must hold, each rule a function named after it."""
