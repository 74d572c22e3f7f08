"""Captures, profiles, jobs: what trims, around the engine that does."""
