"""What every app stands on: settings from the environment, roles, and the audit log."""
