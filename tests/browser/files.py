"""Captures for the browser to upload, and what is asked of what it downloads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.datasets import write_web
from tests.captures import Conversation, chunked, pcap, pcapng_of, request, response
from tests.services.console import ROOT

SECRET = b"the body that nobody may see"
SHARED = Path(os.environ.get("PKTMASK_SHARED", ROOT.parent / "shared"))
ORACLE = SHARED / "oracle" / "oracle.py"
REAL = (
    "packets__http_espn.pcapng",
    "suricata-verify__http-post-file.pcap",
    "scapy__http_chunk.pcap.gz",
)


def conversation(number: int) -> list[bytes]:
    """Return the packets of a few exchanges whose bodies hold SECRET; each number gives others."""
    talk = Conversation(sport=40000 + number)
    talk.handshake()
    for round_ in range(40):
        talk.client(request("GET", f"/page/{number}/{round_}"))
        talk.server(response(body=SECRET * (round_ + 1)))
        talk.client(request("POST", "/form", body=SECRET))
        coded = chunked([SECRET, SECRET])
        talk.server(
            response(fields=[("Transfer-Encoding", "chunked")], body=coded, content_length=False)
        )
    talk.fin()
    return talk.packets


def capture_file(folder: Path, number: int) -> Path:
    """Write a capture that no other test has."""
    path = folder / f"routed-{number}.pcap"
    path.write_bytes(pcap(conversation(number)))
    return path


def captures(folder: Path, first: int = 1) -> list[Path]:
    """Write three captures, other ones for each ``first``, and return their paths."""
    folder.mkdir(exist_ok=True)
    names = (f"edge-fra{first}.pcap", f"edge-fra{first + 1}.pcapng", f"pop-mad{first}.pcap")
    paths = [folder / name for name in names]
    paths[0].write_bytes(pcap(conversation(first)))
    paths[1].write_bytes(pcapng_of(conversation(first + 1)))
    paths[2].write_bytes(pcap(conversation(first + 2), nanoseconds=True))
    return paths


def real_captures() -> list[Path]:
    """Return three real captures, none where they are missing."""
    paths = [SHARED / "captures" / name for name in REAL]
    return paths if all(path.exists() for path in paths) else []


def big_capture(folder: Path, size_bytes: int, seed: int) -> Path:
    """Write a capture of about that size, another one for each seed, and return its path."""
    path = folder / "backbone.pcap"
    write_web(path, folder / "expected.pcap", size_bytes, seed=seed)
    return path


def verdict(before: Path, after: Path) -> dict[str, object]:
    """Return what the oracle says."""
    done = subprocess.run(
        [sys.executable, str(ORACLE), str(before), str(after), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found
