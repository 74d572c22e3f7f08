"""The slow path: packets that the kernels do not know, one at a time, header by header."""
