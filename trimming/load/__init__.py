"""Synthetic load: captures made in memory and sent through the real upload, for rehearsals."""
