"""Pages and actions around captures."""
