"""Windows, and finding out whether there is a screen for them."""
