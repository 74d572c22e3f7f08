"""One run as a whole: an output appears only when everything about it is well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.captures import Conversation, request, response
from trimming.engine.errors import CancelledError, OptionsError, VerificationError
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.options import PROFILES
from trimming.engine.pipeline import Progress, Stage, trim
from trimming.engine.plan import MaskPlan
from trimming.engine.report import Report, Tally
from trimming.engine.strategies.legacy.strategy import LegacyStrategy
from trimming.engine.strategies.registry import Strategy, available, load_strategy

SECRET = b"the secret of the house " * 20


class LeakingStrategy:
    """Decides as legacy does, but leaves the bodies of some packets out."""

    name = "leaking"
    version = "1"

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        kept = (packet for packet in capture.packets(progress) if b"secret" not in packet.data)
        LegacyStrategy().plan_packets(kept, plan, tally)


def legacy() -> Strategy:
    return load_strategy("legacy")


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


def run(
    source: Path,
    strategy: Callable[[], Strategy] = legacy,
    *,
    verified: bool = True,
    progress: Progress | None = None,
) -> Report:
    ticks = iter(range(100))
    return trim(
        source,
        source.with_name("out.pcap"),
        strategy,
        PROFILES["standard"],
        clock=lambda: float(next(ticks)),
        peak_rss_bytes=lambda: 7,
        verified=verified,
        progress=progress,
    )


def test_a_leaking_output_is_never_offered_and_the_message_holds_no_payload(source: Path) -> None:
    with pytest.raises(VerificationError) as refusal:
        run(source, LeakingStrategy)
    assert "failed its verification and was removed" in str(refusal.value)
    assert "kept-bytes" in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert [path.name for path in source.parent.iterdir()] == ["in.pcap"]


def test_a_failed_run_leaves_an_earlier_output_as_it_was(source: Path) -> None:
    run(source)
    before = source.with_name("out.pcap").read_bytes()
    with pytest.raises(VerificationError):
        run(source, LeakingStrategy)
    assert source.with_name("out.pcap").read_bytes() == before


@pytest.mark.parametrize("at", ["read", "write", "verify"])
def test_a_run_can_be_cancelled_at_every_stage_and_leaves_nothing(source: Path, at: Stage) -> None:
    def cancel(stage: Stage, done: int, total: int) -> None:
        if stage == at:
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        run(source, progress=cancel)
    assert [path.name for path in source.parent.iterdir()] == ["in.pcap"]


def test_progress_ends_each_stage_with_all_bytes_of_the_file(source: Path) -> None:
    told: list[tuple[Stage, int, int]] = []
    run(source, progress=lambda stage, done, total: told.append((stage, done, total)))
    size = source.stat().st_size
    assert told == [("read", size, size), ("write", size, size), ("verify", size, size)]


def test_the_clock_covers_reading_deciding_and_writing_but_not_verification(source: Path) -> None:
    report = run(source)
    assert report.duration_ms == 1000
    assert report.latency_ms == 500
    assert report.throughput_bytes_per_s == report.tally.captured_bytes
    assert report.peak_rss_bytes == 7


def test_a_report_without_messages_has_no_latency(source: Path) -> None:
    source.write_bytes(Conversation().pcap())
    report = run(source)
    assert report.latency_ms is None


def test_without_verification_there_is_none_in_the_report(source: Path) -> None:
    assert run(source, verified=False).verification is None


def test_a_strategy_is_not_loaded_for_what_is_no_capture(source: Path) -> None:
    source.write_bytes(b"rubbish")

    def load() -> Strategy:
        raise AssertionError("loaded in vain")

    with pytest.raises(Exception, match="expected a pcap"):
        run(source, load)


def test_a_strategy_of_the_settings_takes_part_under_its_name() -> None:
    extra = {"leaking": f"{__name__}:LeakingStrategy"}
    assert set(available(extra)) == {"legacy", "scanning", "leaking"}
    assert load_strategy("leaking", extra).name == "leaking"


def test_an_unknown_strategy_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(OptionsError, match="'quick' is not known; there are: legacy"):
        load_strategy("quick")
