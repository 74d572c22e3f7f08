"""The service, attacked as docs/security.md says: each row of its table names its test."""
