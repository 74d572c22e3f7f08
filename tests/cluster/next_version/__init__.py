"""What the next version adds to the database: what expands, so that both versions work on it."""
