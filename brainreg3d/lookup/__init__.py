"""Which region existing ROIs and points lie in."""
