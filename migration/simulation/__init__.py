"""Whole rollouts against simulated traffic by a simulated clock, in memory, through the same rules.

Nothing here touches a database, and nothing outside of it depends on what is here.
"""
