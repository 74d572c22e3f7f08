"""The JSON API for scripts, under ``/api/v1/``, and the tokens that it asks for.

It is a part of the composition root because it tells of captures and of rollouts, which know
nothing of each other.  What it does is done by the apps: here are addresses, shapes and refusals.
"""
