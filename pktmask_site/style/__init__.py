"""The page of all components, for those who make pages."""
