"""Filters of the pages about rollouts."""
