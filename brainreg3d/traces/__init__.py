"""The signal of each region in a recording."""
