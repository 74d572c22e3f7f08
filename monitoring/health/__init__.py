"""Health in five dimensions: facts are loaded, rules judge them, a report is stored."""
