"""What is of use outside of an installation: proofs, and the command for remote use.

It needs the standard library alone, and `cryptography` where signatures are looked at.  It knows
nothing of the service: the service knows it.
"""
