"""Simulated rollouts: how soon faults are found, and how often nothing is wrong and it rolls back.

Usage: python -m benchmarks.rollouts [--seeds 100] [--aa-seeds 1000] [--jobs 2] [--json FILE]

Every rollout is a function of its seed.  Two rules that others use look at the same traffic: see
``migration.simulation.rivals``.  FILE is written anew after each part.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from migration.simulation.plan import Plan
    from migration.simulation.result import Outcome
    from migration.simulation.rivals import Rival

HOUR = 3600.0
PHASES = (1, 2, 3, 4, 5)
# what other limits would do
ALPHAS = (0.01, 0.1)
IN_A_ROW = (2, 3, 4, 5)
DISTURBANCES = ("none", "night", "neighbour", "rubbish")
# what shows as failures; rules about failures cannot see the others
SEEN_BY_RIVALS = ("errors", "hang")
Found = dict[str, Any]


def prepare() -> None:
    """Make a process ready for Django's models, that are imported and not used."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pktmask_site.settings")
    import django

    django.setup()


@dataclass(frozen=True, slots=True)
class Case:
    """Rollouts that differ by their seed alone."""

    name: str
    phase: int = 2
    fault: str = "none"
    disturbance: str = "none"
    speedup: float = 5.0
    has_rivals: bool = False
    is_without_harm: bool = False
    is_fallback_use: bool = False

    def plan(self, seed: int) -> Plan:
        """Return what is simulated."""
        from migration.simulation.plan import Disturbance, Fault, Plan

        return Plan(
            seed,
            fault=Fault(self.fault),
            fault_phase=self.phase,
            disturbance=Disturbance(self.disturbance),
            speedup=self.speedup,
            is_fallback_use=self.is_fallback_use,
        )


def one(case: Case, seed: int) -> Found:
    """Return what came of one rollout, and what the rivals would have done."""
    from migration.simulation.walk import simulate

    plan = case.plan(seed)
    if case.is_without_harm:
        return without_harm(plan, to_the_end=True)
    begun = time.process_time()
    found = _kept(simulate(plan))
    found["cpu_seconds"] = time.process_time() - begun
    if case.has_rivals:
        found["rivals"] = without_harm(plan, to_the_end=False)["rivals"]
    return found


def _kept(outcome: Outcome) -> Found:
    found = outcome.as_json()
    spans = [(each["began_seconds"], each["ended_seconds"]) for each in found.pop("phases")]
    found["phase_hours"] = [None if end is None else (end - begin) / HOUR for begin, end in spans]
    found["withdrawn"] = sum(each["move"] == "withdraw_request" for each in found.pop("decisions"))
    return found


def without_harm(plan: Plan, *, to_the_end: bool) -> Found:
    """Return what rivals and rules would do in a rollout where no harm has an effect.

    It is the same rollout until the first rule of harm fails, which is told as its ``rule``.
    """
    from migration.choices import RuleKind
    from migration.gates.table import RULES
    from migration.simulation.peaks import Peaks
    from migration.simulation.rivals import FixedThreshold, RepeatedTest
    from migration.simulation.walk import simulate

    dry = ", ".join(rule.name for rule in RULES if rule.kind is RuleKind.HARM)
    rivals, peaks = (FixedThreshold(), RepeatedTest()), Peaks()
    limits = plan.limits.model_copy(update={"dry_run": dry})

    def is_over() -> bool:
        return not to_the_end and all(each.fired_at is not None for each in rivals)

    begun = time.process_time()
    found = _kept(simulate(replace(plan, limits=limits), (*rivals, peaks), is_over))
    return {
        **found,
        "cpu_seconds": time.process_time() - begun,
        "rule": peaks.first_harm,
        "is_false_alarm": bool(peaks.first_harm),
        "alpha": {name: min(each, 1.0) for name, each in peaks.alpha.items()},
        "in_a_row": peaks.in_a_row,
        "rivals": {each.name: _rival(each) for each in rivals},
    }


def _rival(rival: Rival) -> Found:
    return {
        "fired": rival.fired_at is not None,
        "is_false_alarm": rival.is_false_alarm,
        "detection_seconds": rival.detection_seconds,
        "detection_runs": None if rival.detection_seconds is None else rival.runs_since_shown,
    }


def cases() -> Iterator[tuple[str, Case]]:
    """Give all cases, with the part that each belongs to."""
    yield "aa", Case("A/A", speedup=1.0, is_without_harm=True)
    yield "faults", Case("none")
    for fault in ("errors", "slow", "leak", "mismatch", "hang", "no-data"):
        for phase in PHASES:
            yield "faults", Case(fault, phase, fault, has_rivals=fault in SEEN_BY_RIVALS)
    for disturbance in DISTURBANCES:
        yield "disturbances", Case(disturbance, disturbance=disturbance, speedup=1.0)
    yield "disturbances", Case("a fallback is use of legacy", is_fallback_use=True)


# --- tables ---------------------------------------------------------------------------------------


def faults_table(rows: Sequence[Found]) -> str:
    """Return how rollouts with a fault end, as Markdown."""
    lines = [
        "| fault | from phase | ends | by | detection, h | detection, runs | captures exposed "
        "| rolled back before the fault |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        rollouts = [each for each in row["rollouts"] if not each["is_false_alarm"]]
        found = [each for each in rollouts if each["detection_seconds"] is not None]
        by = Counter(each["rule"] or each["held_by"] for each in rollouts)
        hours = [each["detection_seconds"] / HOUR for each in found]
        cells = (
            row["name"],
            "" if row["name"] == "none" else row["phase"],
            counted(Counter(each["ending"] for each in rollouts)),
            counted(Counter({name: n for name, n in by.items() if name})),
            spread(hours, 2),
            spread([each["detection_runs"] for each in found]),
            spread([each["exposed_runs"] for each in rollouts]),
            len(row["rollouts"]) - len(rollouts),
        )
        lines.append("| " + " | ".join(str(each) for each in cells) + " |")
    return "\n".join(lines)


def endings_table(rows: Sequence[Found]) -> str:
    """Return how rollouts without a fault end, as Markdown."""
    lines = ["| what | ends | rolled back by | days |", "| --- | --- | --- | --- |"]
    for row in rows:
        rollouts = row["rollouts"]
        rules = Counter(each["rule"] for each in rollouts if each["rule"])
        ends = counted(Counter(each["ending"] for each in rollouts))
        days = spread([each["seconds"] / (24 * HOUR) for each in rollouts], 1)
        lines.append(f"| {row['name']} | {ends} | {counted(rules)} | {days} |")
    return "\n".join(lines)


def rivals_table(rows: Sequence[Found]) -> str:
    """Return what the rivals do about faults, beside the gates, as Markdown."""
    lines = [
        "| fault | from phase | rule | fired before the fault | found | detection, h "
        "| detection, runs |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        for name in row["rollouts"][0].get("rivals", ()):
            found = [each["rivals"][name] for each in row["rollouts"]]
            late = [each for each in found if each["detection_seconds"] is not None]
            cells = (
                *(row["name"], row["phase"], name),
                sum(each["is_false_alarm"] for each in found),
                len(late),
                spread([each["detection_seconds"] / HOUR for each in late], 2),
                spread([each["detection_runs"] for each in late]),
            )
            lines.append("| " + " | ".join(str(each) for each in cells) + " |")
    return "\n".join(lines)


def aa_table(row: Found) -> str:
    """Return how often nothing is wrong and it rolls back, as Markdown."""
    rollouts = row["rollouts"]
    n = len(rollouts)
    rules = Counter(each["rule"] for each in rollouts if each["is_false_alarm"])
    lines = ["| no difference | rolled back |", "| --- | --- |"]
    counts = {"the gates, all rules": sum(rules.values())}
    counts |= {f"of these by `{rule}`": count for rule, count in rules.most_common()}
    for name in rollouts[0].get("rivals", ()):
        counts[name] = sum(each["rivals"][name]["fired"] for each in rollouts)
    lines += [
        f"| {name} | {count:,} of {n:,} ({count / n:.1%}) |" for name, count in counts.items()
    ]
    return "\n".join(lines)


def limits_table(row: Found) -> str:
    """Return how many rollouts without a difference other limits would roll back, as Markdown."""
    rollouts = row["rollouts"]
    n = len(rollouts)
    lines = ["| no difference | limit | rolled back |", "| --- | --- | --- |"]
    for alpha in ALPHAS:
        for name in rollouts[0]["alpha"]:
            found = sum(each["alpha"][name] <= alpha for each in rollouts)
            lines.append(
                f"| `{name}` alone | alpha {alpha:g} | {found:,} of {n:,} ({found / n:.1%}) |"
            )
        found = sum(min(each["alpha"].values()) <= alpha for each in rollouts)
        lines.append(f"| all of these | alpha {alpha:g} | {found:,} of {n:,} ({found / n:.1%}) |")
    for limit in IN_A_ROW:
        found = sum(each["in_a_row"] >= limit for each in rollouts)
        lines.append(f"| failures in a row | {limit} | {found:,} of {n:,} ({found / n:.1%}) |")
    return "\n".join(lines)


def durations(row: Found) -> str:
    """Return how long the phases of completed rollouts take, as Markdown."""
    done = [each for each in row["rollouts"] if each["ending"] == "completed"]
    lines = ["| phase | hours, median (most) |", "| --- | --- |"]
    for place in range(5):
        hours = [each["phase_hours"][place] for each in done]
        lines.append(f"| {place + 1} | {spread(hours)} |")
    withdrawn = spread([each["withdrawn"] for each in done])
    lines.append(f"| requests for approval that were withdrawn | {withdrawn} |")
    return "\n".join(lines)


def counted(counts: Mapping[str, int]) -> str:
    """Return counts by name, the largest first."""
    return ", ".join(f"{name} {n}" for name, n in Counter(counts).most_common())


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Return the median, and the most in brackets."""
    if not values:
        return ""
    return f"{median(values):,.{digits}f} ({max(values):,.{digits}f})"


def as_tables(parts: Mapping[str, Sequence[Found]]) -> Iterator[str]:
    """Give a title and a table for each part that is there."""
    if aa := parts.get("aa"):
        yield f"## No difference\n\n{aa_table(aa[0])}\n\n{durations(aa[0])}\n"
        yield f"{limits_table(aa[0])}\n"
    if rows := parts.get("faults"):
        yield f"## Faults\n\n{faults_table(rows)}\n\n{rivals_table(rows)}\n"
    if rows := parts.get("disturbances"):
        yield f"## Disturbances in every phase, A/A\n\n{endings_table(rows)}\n"
    every = [each for rows in parts.values() for row in rows for each in row["rollouts"]]
    after = sum(each["treatment_published_after_rollback"] for each in every)
    discarded = sum(each["treatment_discarded"] for each in every)
    cpu = spread([each["cpu_seconds"] for each in every], 2)
    yield (
        f"{len(every):,} rollouts; results of treatment after a rollback: {after} published, "
        f"{discarded} discarded; CPU seconds for one rollout: {cpu}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rollouts", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--aa-seeds", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    parts: dict[str, list[Found]] = {}
    with ProcessPoolExecutor(options.jobs, initializer=prepare) as pool:
        for part, case in cases():
            seeds = options.aa_seeds if part.endswith("aa") else options.seeds
            rollouts = list(pool.map(partial(one, case), range(seeds), chunksize=5))
            parts.setdefault(part, []).append(
                {"name": case.name, "phase": case.phase, "rollouts": rollouts}
            )
            print(f"{part}: {case.name} {case.phase}", file=sys.stderr, flush=True)
            if options.json:
                options.json.write_text(json.dumps(parts))
    for text in as_tables(parts):
        print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
