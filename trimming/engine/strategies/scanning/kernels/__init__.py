"""The scanner's machine code: everything here runs in Numba's subset of Python."""
