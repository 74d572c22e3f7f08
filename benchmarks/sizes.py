"""Sizes as a person writes them on the command line; no NumPy, so that ``measure`` stays small."""

import re

_UNITS_BYTES = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
}


def parse_size_bytes(text: str) -> int:
    """Return the bytes that ``text`` names, such as ``50MB``, ``12.5 MB``, ``4MiB`` or ``1000``.

    Raises:
        ValueError: ``text`` is not a number with an optional unit, or names less than one byte.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if match is None or match[2].upper() not in _UNITS_BYTES:
        raise ValueError(f"size {text!r}: expected a number with B, kB, MB, GB, KiB, MiB or GiB")
    size_bytes = int(float(match[1]) * _UNITS_BYTES[match[2].upper()])
    if size_bytes < 1:
        raise ValueError(f"size {text!r}: expected at least one byte")
    return size_bytes
