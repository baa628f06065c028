"""Many sessions, one table."""
