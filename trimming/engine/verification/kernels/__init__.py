"""The checks of usual packets and connections as machine code.

A kernel makes no finding.  What it does not plainly understand it leaves to the readers around this
folder, together with all that it knows.
"""
