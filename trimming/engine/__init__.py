"""The trimming engine: a capture in, the same capture with HTTP bodies overwritten out.

Belongs here: formats, protocols, masks, checksums, verification.  Must not be known here: Django,
settings, the wall clock, who asked.
"""
