"""The command as a person meets it: what it prints, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.captures import Conversation, pcap, request, response
from tests.trimming.management.conftest import Run
from trimming.engine.byte_classes import ByteClass
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.plan import FieldKind, MaskPlan
from trimming.engine.report import Tally
from trimming.engine.strategies.legacy.strategy import LegacyStrategy

SECRET = b"the secret of the house " * 20


class Forgetful(LegacyStrategy):
    """Decides as legacy does, but does not see the packets that hold the secret."""

    name = "forgetful"

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        kept = (packet for packet in capture.packets(progress) if b"secret" not in packet.data)
        self.plan_packets(kept, plan, tally)


class Inventive(LegacyStrategy):
    """Decides as legacy does, and some more."""

    name = "inventive"

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        super().plan(capture, plan, tally, progress)
        for packet in range(1, 4):
            plan.add_span(packet, 0, 2, ByteClass.BODY)
            plan.add_change(packet, 24, FieldKind.INTERNET, 0x0101, ByteClass.BODY)
            plan.add_frame_check(packet, 0, 40)


@pytest.fixture(autouse=True)
def strategies(settings: Any) -> None:
    settings.TRIMMING_STRATEGIES = {
        "forgetful": f"{__name__}:Forgetful",
        "inventive": f"{__name__}:Inventive",
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    conversation = Conversation()
    conversation.handshake()
    conversation.client(request())
    conversation.server(response(body=SECRET))
    conversation.fin()
    path = tmp_path / "in.pcap"
    path.write_bytes(conversation.pcap())
    return path


def test_equal_plans_end_with_zero_and_one_line_says_so(compare: Run, source: Path) -> None:
    run = compare(source, "--strategies", "legacy", "legacy")
    assert run.returncode == 0, run.stderr
    assert "profile standard: equal" in run.stdout.splitlines()[0]


def test_plans_that_differ_end_with_one_and_every_place_is_shown(
    compare: Run, source: Path
) -> None:
    run = compare(source, "--strategies", "legacy", "inventive")
    assert run.returncode == 1
    headline, *lines = run.stdout.splitlines()
    assert "different in 3 ranges (6 B), 3 checksums, 3 frame checks" in headline
    rows = [line.split() for line in lines]
    assert ["packet", "byte", "length", "legacy", "inventive"] in rows
    assert ["3", "0", "2", "-", "body"] in rows
    assert ["3", "24", "internet", "kept", "+0x0101"] in rows
    assert ["3", "0", "to", "40", "-", "known"] in rows
    assert ["3", "6", "-", "body"] in rows


def test_counts_that_differ_are_pointed_at(compare: Run, source: Path) -> None:
    run = compare(source, "--strategies", "legacy", "forgetful")
    rows = [line.split() for line in run.stdout.splitlines()]
    assert ["requests", "1", "1"] in rows
    assert ["responses", "1", "0", "differs"] in rows
    assert "secret" not in run.stdout


def test_json_is_one_object_with_the_whole_comparison(compare: Run, source: Path) -> None:
    run = compare(source, "--strategies", "legacy", "inventive", "--json")
    assert run.returncode == 1
    found = json.loads(run.stdout)
    assert found["equal"] is False
    assert [side["strategy"] for side in found["strategies"]] == ["legacy", "inventive"]
    assert found["strategies"][0]["counts"]["responses"] == 1
    assert found["ranges"][0] == {
        "packet": 1,
        "offset": 0,
        "length": 2,
        "classes": [None, "body"],
    }
    assert found["mismatched"] == [{"classes": [None, "body"], "ranges": 3, "bytes": 6}]
    assert found["checksums"][0] == {
        "packet": 1,
        "offset": 24,
        "kind": "internet",
        "growths": [0, 0x0101],
    }
    assert found["frame_checks"][0] == {
        "packet": 1,
        "start": 0,
        "end": 40,
        "known": [False, True],
    }
    assert (found["range_count"], found["checksum_count"], found["frame_check_count"]) == (3, 3, 3)
    assert found["matched_bytes"] > len(SECRET)


def test_of_many_differences_the_first_are_shown_and_the_rest_is_counted(
    compare: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.pcap"
    source.write_bytes(pcap([bytes(60)] * 1200))

    def plan(
        self: Inventive, capture: CaptureFile, plan: MaskPlan, tally: Tally, progress: object
    ) -> None:
        for number in range(1, 1201):
            plan.add_span(number, 0, 2, ByteClass.BODY)

    monkeypatch.setattr(Inventive, "plan", plan)
    run = compare(source, "--strategies", "legacy", "inventive")
    assert "different in 1,200 ranges (2.4 kB)" in run.stdout
    assert "and 200 more" in run.stdout


def test_a_profile_decides_what_counts(compare: Run, source: Path) -> None:
    run = compare(source, "--strategies", "legacy", "legacy", "--profile", "share_safe", "--json")
    assert json.loads(run.stdout)["profile"] == "share_safe"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.pcap",), ("missing.pcap", "No such file")),
        (("in.pcap", "--strategies", "legacy", "quick"), ("quick", "legacy")),
        (("in.pcap", "--profile", "share-safe"), ("did you mean 'share_safe'",)),
    ],
)
def test_wrong_usage_is_refused_with_one_line(
    compare: Run,
    source: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(source.parent)
    run = compare(*arguments)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1
    for word in words:
        assert word in run.stderr


def test_a_file_cut_in_mid_record_is_compared_up_to_there(compare: Run, source: Path) -> None:
    source.write_bytes(source.read_bytes()[:-5])
    run = compare(source, "--strategies", "legacy", "legacy")
    assert run.returncode == 0
    assert "are no whole record" in run.stdout
