"""A walk through every page there is: which there are, what is on them, and what is measured."""
