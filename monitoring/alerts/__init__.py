"""Alerts: what fires, who is told of it, and every step between, kept."""
