"""Benchmarks: seeded captures with their expected masked form, and measurements on them.

Nothing here imports the engine: the expected form must not depend on the code that it judges.
"""
