"""What is written for people: lines from answers of the API.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Answer = Mapping[str, Any]


def plain(text: str) -> str:
    """Return a text that can do nothing to a terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def of_token(told: Answer) -> Iterator[str]:
    """Say whose token it is."""
    yield f"{told['user']}, by the token {told['name']} ({told['prefix']}…)"
    yield f"may: {', '.join(told['scopes'])}; until {told['expires_at']}"


def of_upload(told: Answer) -> Iterator[str]:
    """Say what was kept: the id comes first, for scripts that cut lines."""
    for each in told["accepted"]:
        note = f"  ({each['note']})" if each["note"] else ""
        yield f"{each['capture']}  {each['name']}{note}"


def of_capture(told: Answer) -> Iterator[str]:
    """Say where a capture stands."""
    state = told["state"] or "no job"
    if told["in_quarantine"]:
        state = "in quarantine"
    percent = f", {told['percent']} %" if told["state"] == "running" else ""
    reason = f": {told['reason']}" if told["reason"] else ""
    yield f"{told['id']}  {told['name']}  {state}{percent}{reason}"


def of_report(told: Answer) -> Iterator[str]:
    """Say what a run reported."""
    yield (
        f"{told['capture']}: {told['strategy']} {told['strategy_version']}, profile "
        f"{told['profile']} {told['profile_version']}, verification: {told['verdict']}"
    )
    found = told["report"]
    if found is None:
        yield "the report of the run was damaged"
        return
    yield f"packets {found['packets']}, masked {found['masked_bytes']} bytes"
    yield f"requests {found['requests']}, responses {found['responses']}"
    yield f"SHA-256 of the result {told['output_sha256']}"
    yield found["not_understood"]


def of_rollout(told: Answer) -> Iterator[str]:
    """Say where the rollout stands."""
    found = told["rollout"]
    if found is None:
        yield "There was no rollout yet."
        return
    share = "" if found["share"] is None else f", {100 * found['share']:g} % to scanning"
    yield f"{found['name']}: {found['state']}{share}"
    if found["reason"]:
        yield f"{found['verdict']}: {found['reason']}"
    for phase in found["phases"]:
        yield f"  {phase['state']:18} {phase['phase']}"
    for gate in found["gates"]:
        dry = " (dry run)" if gate["is_dry"] else ""
        yield f"  {gate['verdict']:13} {gate['rule']}{dry}: {gate['message']}"


def of_proof(statement: Answer) -> Iterator[str]:
    """Say what a proof that holds states."""
    counts, profile = statement["counts"], statement["profile"]
    yield "The proof holds."
    yield f"capture        {statement['capture']['name']}"
    yield f"original       SHA-256 {statement['input']['sha256']}"
    yield f"trimmed        SHA-256 {statement['output']['sha256']}"
    yield f"profile        {profile['name']} {profile['version']}"
    yield f"masked         {counts['masked_bytes']} bytes in {counts['packets']} packets"
    passed = "passed" if statement["verification"]["passed"] is True else "NOT PASSED"
    yield f"verification   {passed}"
    yield f"made           {statement['trimmed_at']} by {statement['made_by']}"
