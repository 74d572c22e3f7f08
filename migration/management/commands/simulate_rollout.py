"""``manage.py simulate_rollout``: whole rollouts in memory, against traffic drawn from a seed."""

from __future__ import annotations

import gc
import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from migration.simulation.plan import Disturbance, Fault, Plan
from migration.simulation.result import summary
from migration.simulation.walk import simulate
from migration.simulation.words import lines_of, lines_of_summary

MOST_SEEDS = 10_000
MOST_CAPTURES_PER_HOUR = 100_000.0
PHASES = (1, 2, 3, 4, 5)


class Command(BaseCommand):
    """Shows how a rollout with the default limits would go, clean or with a fault."""

    help = "Simulate rollouts in memory by a simulated clock; nothing is read or stored."
    requires_system_checks: list[str] = []  # nothing to check without a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument(
            "--seed", type=int, default=1, metavar="N", help="what traffic is drawn from"
        )
        parser.add_argument(
            "--seeds", type=int, default=1, metavar="N", help="so many rollouts, from --seed on"
        )
        parser.add_argument("--fault", choices=[each.value for each in Fault], default="none")
        parser.add_argument(
            "--fault-phase", type=int, choices=PHASES, default=2, help="the fault begins with it"
        )
        parser.add_argument(
            "--disturbance",
            choices=[each.value for each in Disturbance],
            default="none",
            help="a night without traffic, a busy neighbour, or uploads that are no captures",
        )
        parser.add_argument(
            "--disturbed-phase",
            type=int,
            choices=(0, *PHASES),
            default=0,
            help="the disturbance comes two hours after it begins; 0 is every phase",
        )
        parser.add_argument(
            "--captures-per-hour", type=_above(0, MOST_CAPTURES_PER_HOUR), default=120.0
        )
        parser.add_argument(
            "--failure-rate",
            type=_share,
            default=0.01,
            help="share of runs that fail on either strategy, without a fault",
        )
        parser.add_argument(
            "--speedup",
            type=_above(0, 1000),
            default=5.0,
            help="so many times faster scanning is; 1 is an A/A test",
        )
        parser.add_argument("--json", action="store_true", help="print the result as one object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Simulate and print."""
        count, first = options["seeds"], options["seed"]
        if not 1 <= count <= MOST_SEEDS:
            raise CommandError(f"--seeds is from 1 to {MOST_SEEDS}.")
        if first < 0:
            raise CommandError("--seed is 0 or more.")
        plan = _plan(options)
        # what was loaded stays: looking through it again and again took a fifth of the time
        gc.freeze()
        outcomes = [simulate(replace(plan, seed=seed)) for seed in range(first, first + count)]
        if options["json"]:
            made = outcomes[0].as_json()
            if count > 1:
                made = {
                    "summary": summary(outcomes),
                    "rollouts": [each.as_json() for each in outcomes],
                }
            self.stdout.write(json.dumps(made))
            return
        lines = lines_of(outcomes[0]) if count == 1 else lines_of_summary(summary(outcomes))
        for line in lines:
            self.stdout.write(line)


def _plan(options: dict[str, Any]) -> Plan:
    return Plan(
        seed=options["seed"],
        fault=Fault(options["fault"]),
        fault_phase=options["fault_phase"],
        disturbance=Disturbance(options["disturbance"]),
        disturbed_phase=options["disturbed_phase"],
        captures_per_hour=options["captures_per_hour"],
        failure_rate=options["failure_rate"],
        speedup=options["speedup"],
    )


def _above(least: float, most: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not least < value <= most:
            raise ArgumentTypeError(f"{text} is not above {least:g} and at most {most:g}")
        return value

    return number


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text} is not from 0 to 1")
    return value
