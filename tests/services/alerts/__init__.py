"""The service with a source of alerts that a test writes."""
