"""A form is as long as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pktmask.ended import USAGE, Ended
from pktmask.form import CHUNK_BYTES, Form


def test_the_length_is_that_of_what_is_sent(tmp_path: Path) -> None:
    sizes = (0, 1, CHUNK_BYTES, CHUNK_BYTES + 1)
    files = [tmp_path / f"ü{size}" for size in sizes]
    for file, size in zip(files, sizes, strict=True):
        file.write_bytes(bytes(size))
    form = Form({"profile": "ü"}, files)
    assert len(b"".join(form)) == form.length


@pytest.mark.parametrize("content", [b"", b"longer than before"])
def test_a_file_that_changes_meanwhile_ends_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.pcap"
    file.write_bytes(b"before")
    form = Form({}, [file])
    file.write_bytes(content)
    with pytest.raises(Ended, match="changed") as ended:
        list(form)
    assert ended.value.code == USAGE
