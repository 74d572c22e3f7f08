"""The captures of others: trimmed, and judged by tshark through an oracle that knows nothing of us.

Both lie outside the repository (``PKTMASK_SHARED``, by default beside it); without them, or without
tshark, these tests skip.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trimming.engine.comparison import compare
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.options import PROFILES
from trimming.engine.pipeline import trim
from trimming.engine.report import Report
from trimming.engine.strategies.registry import load_strategy

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("PKTMASK_SHARED", ROOT.parent / "shared"))
ORACLE = SHARED / "oracle" / "oracle.py"
CAPTURES = sorted(path for path in (SHARED / "captures").glob("*") if path.suffix != ".md")

needs_captures = pytest.mark.skipif(not CAPTURES, reason="the captures are not here")


def trimmed(
    source: Path, target: Path, profile: str = "standard", strategy: str = "legacy"
) -> Report:
    return trim(
        source,
        target,
        lambda: load_strategy(strategy),
        PROFILES[profile],
        clock=time.perf_counter,
        peak_rss_bytes=lambda: 0,
    )


def payloads(path: Path) -> list[bytes]:
    with CaptureFile(path) as capture:
        return [record.packet.data for record in capture.records() if record.packet is not None]


@needs_captures
@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("source", CAPTURES, ids=lambda path: path.name)
def test_the_oracle_finds_all_headers_no_body_and_nothing_else_changed(
    source: Path, tmp_path: Path
) -> None:
    target = tmp_path / source.name.removesuffix(".gz")
    trimmed(source, target)
    run = subprocess.run(
        [sys.executable, str(ORACLE), str(source), str(target), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    verdict = json.loads(run.stdout)
    assert verdict["reasons"] == []
    found = verdict["bytes"]
    assert found["header_kept"] == found["header"]
    assert found["body_leaked"] == found["other_tcp_changed"] == found["outside_changed"] == 0
    assert verdict["checksums"].get("broken", 0) == 0


@needs_captures
@pytest.mark.parametrize("source", CAPTURES, ids=lambda path: path.name)
def test_share_safe_passes_its_verification_on_every_capture(source: Path, tmp_path: Path) -> None:
    report = trimmed(source, tmp_path / "out.pcap", "share_safe")
    assert report.verification is not None
    assert report.verification.passed


@needs_captures
def test_share_safe_leaves_no_credential_no_query_value_and_no_comment(tmp_path: Path) -> None:
    source = next(path for path in CAPTURES if path.name == "packets__http_espn.pcapng")
    target = tmp_path / "out.pcapng"
    trimmed(source, target, "share_safe")
    before, after = payloads(source), payloads(target)
    fields = re.compile(
        rb"^(?:Authorization|Proxy-Authorization|Cookie|Set-Cookie): *([^\r\n]+)", re.M | re.I
    )
    queries = re.compile(rb"(?:(?:GET|POST) |^Referer: )[^ \r\n?]*\?([^ \r\n]*)", re.M)
    values = re.compile(rb"=([^&;= ]+)")

    def secrets(packets: list[bytes]) -> set[bytes]:
        hidden = {value for data in packets for value in fields.findall(data)}
        for data in packets:
            for query in queries.findall(data):
                hidden.update(values.findall(query))
        return hidden

    assert len(secrets(before)) > 50
    assert all(set(value) == {ord("x")} for value in secrets(after))
    # a value as short as "1" stands everywhere, a host also in Host; the others must be gone
    hosts = {host for data in before for host in re.findall(rb"^Host: ([^\r\n]+)", data, re.M)}
    told_apart = [secret for secret in secrets(before) - hosts if len(secret) > 8]
    whole = b"\0".join(after)
    assert [secret for secret in told_apart if secret in whole] == []
    # nothing is left that dropping metadata would take: no comment, no names, no secrets
    with CaptureFile(target) as capture:
        assert all(record.metadata_kind is None for record in capture.records())
        for record in capture.records():
            assert record.without_metadata(None) == record.raw


@needs_captures
def test_packing_changes_nothing(tmp_path: Path) -> None:
    source = next(path for path in CAPTURES if path.name == "scapy__http_chunk.pcap.gz")
    trimmed(source, tmp_path / "out.pcap.gz")
    trimmed(source, tmp_path / "out.pcap")
    packed = gzip.decompress((tmp_path / "out.pcap.gz").read_bytes())
    assert packed == (tmp_path / "out.pcap").read_bytes()


@needs_captures
@pytest.mark.parametrize("source", CAPTURES, ids=lambda path: path.name)
def test_scanning_writes_what_legacy_writes_and_counts_alike(source: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "legacy.pcap", tmp_path / "scanning.pcap"
    legacy, scanning = trimmed(source, one), trimmed(source, other, strategy="scanning")
    assert other.read_bytes() == one.read_bytes()
    assert scanning.tally == legacy.tally


@needs_captures
@pytest.mark.parametrize("source", CAPTURES, ids=lambda path: path.name)
def test_comparison_finds_no_difference_under_share_safe(source: Path, tmp_path: Path) -> None:
    found = compare(
        source,
        (lambda: load_strategy("legacy"), lambda: load_strategy("scanning")),
        PROFILES["share_safe"],
        clock=time.perf_counter,
        folder=tmp_path,
    )
    assert found.matched, found.ranges[:3]
