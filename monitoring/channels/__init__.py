"""Ways to tell people: one module for each, one registry, one kind of error."""
