"""Strategies: different ways to the same mask plan."""
