"""The exercises of docs/training/: whether each was done, by what the database says."""
