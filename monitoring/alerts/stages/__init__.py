"""The stages of the pipeline, in the order of pipeline.py.  Each is pure and knows the next not."""
