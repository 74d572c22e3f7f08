"""Pages about the service."""
