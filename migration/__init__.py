"""Rollouts: moving from the legacy to the scanning strategy without risk."""
