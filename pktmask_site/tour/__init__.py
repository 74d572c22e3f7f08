"""A short tour of the console, once for each person."""
