"""The faults of s6-rc sources: errors and warnings."""
