"""The traffic on which strategies are compared: it can be had again, and it has everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trimming.engine.strategies.differential.difference import answer
from tests.trimming.engine.strategies.differential.features import FEATURES
from tests.trimming.engine.strategies.differential.profiles import options_of
from tests.trimming.engine.strategies.differential.traffic import case, traffic
from trimming.engine.errors import VerificationError
from trimming.engine.options import Limits
from trimming.engine.pipeline import trim
from trimming.engine.strategies.registry import Strategy, load_strategy

pytestmark = pytest.mark.no_cover

FEATURE_SEEDS = 5000
SHORT_SEEDS = 400
VERIFIED_SEEDS = 1000
LONG_SEEDS = 20_000
BLOCKS = 10


# what verification refuses though no strategy is wrong, or what both take for something else: cases
# that have all of these are left out
REFUSED: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"content that begins like a status line"}), "noise is a reason to a strategy"),
    (frozenset({"a head with other bytes"}), "control bytes are part of a field to a strategy"),
    (frozenset({"damaged bytes"}), "so they are here"),
    (frozenset({"HTTP/1.1 behind HTTP/2"}), "which of both is spoken"),
    (frozenset({"long pauses"}), "verification forgets a connection earlier"),
    (frozenset({"a clock that goes back"}), "as above"),
    (frozenset({"fragments lost"}), "where the rest of a datagram belongs to"),
    (frozenset({"fragments that overlap"}), "as above"),
    (frozenset({"one packet cut"}), "the rest of a line is not known"),
    (frozenset({"segments in any order"}), "verification waits less long for a segment"),
    (frozenset({"odd flags"}), "a SYN in mid-stream opens another connection to one of them"),
    (frozenset({"overlap that begins before the stream"}), "what opens the stream"),
    (frozenset({"fragments of tunnels"}), "checksums around fragments of fragments"),
    (frozenset({"declared frame check sequence"}), "rare links have none, though declared"),
    (frozenset({"length of 0 by offload", "frame check sequence"}), "it is taken for payload"),
    (frozenset({"length of 0 by offload", "padding of letters"}), "it is taken for payload"),
)


def test_a_seed_always_gives_the_same_capture() -> None:
    assert [traffic(seed) for seed in range(20)] == [traffic(seed) for seed in range(20)]


def test_seeds_give_different_captures() -> None:
    assert len({traffic(seed) for seed in range(200)}) > 195


def test_cases_are_small() -> None:
    sizes = [len(case(seed).packets) for seed in range(200)]
    assert max(sizes) <= 48
    assert 10 < sum(sizes) / len(sizes) < 30


def test_every_feature_comes_and_has_a_name_in_the_table() -> None:
    found: set[str] = set()
    for seed in range(FEATURE_SEEDS):
        found |= case(seed).features
        if found == FEATURES:
            return
    assert found == FEATURES


def faults(seeds: range, folder: Path) -> list[tuple[int, list[str]]]:
    path = folder / "in.pcap"
    found = []
    for seed in seeds:
        path.write_bytes(traffic(seed))
        told = answer(path, options_of(seed), "legacy")
        if told.faults or told.refusal:
            found.append((seed, [*told.faults, told.refusal]))
    return found


def test_legacy_understands_all_captures(tmp_path: Path) -> None:
    assert faults(range(SHORT_SEEDS), tmp_path) == []


@pytest.mark.long
@pytest.mark.parametrize("block", range(BLOCKS))
def test_legacy_understands_twenty_thousand_captures(block: int, tmp_path: Path) -> None:
    size = LONG_SEEDS // BLOCKS
    assert faults(range(block * size, (block + 1) * size), tmp_path) == []


def refused(seeds: range, folder: Path) -> list[tuple[int, str]]:
    """Trim the ordinary ones of some seeds; return what their verification says against them."""
    source, target = folder / "in.pcap", folder / "out.pcap"
    found = []
    for seed in seeds:
        options, made = options_of(seed), case(seed)
        if options.limits != Limits() or any(all_of <= made.features for all_of, _ in REFUSED):
            continue
        source.write_bytes(made.file())
        try:
            trim(source, target, legacy, options, clock=lambda: 0.0, peak_rss_bytes=lambda: 0)
        except VerificationError as error:
            found.append((seed, str(error)))
    return found


def legacy() -> Strategy:
    return load_strategy("legacy")


def test_outputs_of_ordinary_captures_pass_their_verification(tmp_path: Path) -> None:
    assert refused(range(VERIFIED_SEEDS), tmp_path) == []


@pytest.mark.long
def test_outputs_of_very_many_ordinary_captures_pass_their_verification(tmp_path: Path) -> None:
    assert refused(range(VERIFIED_SEEDS, LONG_SEEDS), tmp_path) == []
