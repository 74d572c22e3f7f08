"""Kernels that walk record headers."""
