"""Forms with files, as bytes: Django's test client would mend the names that tests are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

BOUNDARY = "a-boundary-of-the-tests"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def form_body(
    files: Iterable[tuple[str, bytes]] = (),
    fields: Mapping[str, object] | None = None,
    *,
    field: str = "files",
) -> bytes:
    """Return a form with ``fields`` and then ``files``, each a name and its bytes."""
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in (fields or {}).items()
    ]
    for name, data in files:
        head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
        parts.append(head.encode() + data)
    lines = b"".join(f"--{BOUNDARY}\r\n".encode() + part + b"\r\n" for part in parts)
    return lines + f"--{BOUNDARY}--\r\n".encode()
