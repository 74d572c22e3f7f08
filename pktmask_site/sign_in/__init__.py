"""Signing in: how often it may be tried, how long it lasts, and who is told when many fail."""
