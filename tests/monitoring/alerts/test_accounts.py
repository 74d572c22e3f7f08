"""Nothing is lost: whatever happens in whatever order, every alert is sent, suppressed or waits."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.values import Condition, SilenceFacts, TellingState, Why
from tests.monitoring.alerts.world import BEGIN, World, condition, plan

RULES = ("a", "b", "c", "d")
# what may happen at one look, beside the conditions that are there
EVENTS = ("nothing", "acknowledge", "silence", "no_silence", "restart", "reload", "unknown")
looks = st.lists(
    st.tuples(
        st.sampled_from((1, 7, 31, 400, 4000)),
        st.sets(st.sampled_from(RULES)),
        st.sampled_from(EVENTS),
    ),
    min_size=1,
    max_size=40,
)
SEVERITIES = dict(zip(RULES, Severity, strict=True))


def conditions_of(rules: set[str]) -> list[Condition]:
    hold = {"a": 0.0, "b": 20.0, "c": 0.0, "d": 0.0}
    return [condition(rule, SEVERITIES[rule], hold_seconds=hold[rule]) for rule in sorted(rules)]


def run(script: list[tuple[int, set[str], str]], *, restarts: bool = True) -> World:
    used = plan(
        messages_per_hour=4,
        mutes={"d": frozenset({"c"})},
        level_after={2: {Severity.HIGH: timedelta(minutes=5)}},
        reminder_channels=("log",),
    )
    world, seconds = World(used), 0
    for wait, rules, event in script:
        seconds += wait
        match event:
            case "acknowledge":
                world.acknowledge()
            case "silence":
                ends = world.now + timedelta(hours=1)
                world.silence(SilenceFacts(1, (("rule", "b"),), world.now, ends))
            case "no_silence":
                world.silence()
            case "reload":
                world.plan = replace(world.plan, messages_per_hour=world.plan.messages_per_hour + 1)
            case "restart" if restarts:
                world.restart()
        unknown = frozenset({"a"} if event == "unknown" else ())
        world.look(seconds, *conditions_of(rules), unknown=unknown)
    return world


@given(looks)
@given_settings(max_examples=150)
def test_sent_suppressed_and_waiting_tellings_are_all_that_fired(
    script: list[tuple[int, set[str], str]],
) -> None:
    world = run(script)
    fired = Counter(each.alert for each in world.steps if each.what == "fired")
    first = [
        each
        for each in world.done.values()
        if each.kind == MessageKind.FIRING and f":{MessageKind.FIRING.value}1:" in each.key
    ]
    # two channels for every alert
    assert Counter(each.alert for each in first) == dict.fromkeys(fired, 2)
    keys = {each.key for each in world.sent}
    for telling in world.done.values():
        match telling.state:
            case TellingState.QUEUED:
                assert telling.notification in keys
            case TellingState.SUPPRESSED:
                assert telling.why in Why.values
            case state:
                assert state == TellingState.WAITING
    sent = sum(each.state == TellingState.QUEUED for each in first)
    suppressed = sum(each.state == TellingState.SUPPRESSED for each in first)
    waiting = sum(each.state == TellingState.WAITING for each in first)
    assert sent + suppressed + waiting == 2 * len(fired)


@given(looks)
@given_settings(max_examples=100)
def test_a_restart_at_any_time_changes_nothing(script: list[tuple[int, set[str], str]]) -> None:
    restarted, other = run(script), run(script, restarts=False)
    assert restarted.sent == other.sent
    assert restarted.steps == other.steps


@given(looks)
@given_settings(max_examples=100)
def test_no_message_is_made_twice_and_none_is_over_the_limit(
    script: list[tuple[int, set[str], str]],
) -> None:
    world = run(script)
    keys = [each.key for each in world.sent]
    assert len(keys) == len(set(keys))
    for message in world.sent:
        within = [
            each
            for each in world.sent
            if each.channel == message.channel
            and each.severity != Severity.CRITICAL
            and each.kind != MessageKind.REMINDER
            and timedelta(0) <= message.at - each.at < timedelta(hours=1)
        ]
        assert len(within) <= world.plan.messages_per_hour


@given(looks)
@given_settings(max_examples=100)
def test_a_critical_alert_that_nobody_muted_or_acknowledged_is_sent(
    script: list[tuple[int, set[str], str]],
) -> None:
    world = run([each for each in script if each[2] not in ("acknowledge",)])
    last = (world.now - BEGIN).total_seconds()
    for wait in (5, 400, 800):
        last += wait
        world.look(last)
    for telling in world.done.values():
        if telling.kind == MessageKind.FIRING and telling.severity == Severity.CRITICAL:
            assert telling.state == TellingState.QUEUED
