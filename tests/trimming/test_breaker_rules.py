"""When a breaker opens, probes and closes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import floats, integers

from trimming.breaker_rules import (
    GOOD_PROBES,
    LONGEST_COOLDOWN_SECONDS,
    Limits,
    State,
    admit,
    failed,
    succeeded,
)
from trimming.routing_choices import BreakerState

NOW = datetime(2026, 11, 25, tzinfo=UTC)
LIMITS = Limits(failures=3, window_seconds=300, cooldown_seconds=60, probe_seconds=600)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def opened() -> State:
    state = State()
    for digest in "abc":
        state = failed(NOW, state, LIMITS, digest)
    return state


def probed(state: State, now: datetime) -> State:
    admitted, state = admit(now, state, LIMITS)
    assert admitted
    assert state.state is BreakerState.PROBING
    return state


def test_it_opens_after_failures_of_distinct_captures() -> None:
    state = State()
    for digest in ("a", "b", "a", "a", "b"):
        state = failed(NOW, state, LIMITS, digest)
        assert state.state is BreakerState.CLOSED
    state = failed(NOW, state, LIMITS, "c")
    assert state.state is BreakerState.OPEN
    assert state.probe_after == after(60)


def test_old_failures_do_not_count() -> None:
    state = failed(NOW, State(), LIMITS, "a")
    state = failed(after(299), state, LIMITS, "b")
    state = failed(after(301), state, LIMITS, "c")
    assert state.state is BreakerState.CLOSED
    assert set(state.failures) == {"b", "c"}


def test_a_closed_breaker_lets_everything_through_unchanged() -> None:
    state = failed(NOW, State(), LIMITS, "a")
    assert admit(NOW, state, LIMITS) == (True, state)
    assert succeeded(NOW, state) == state


def test_an_open_breaker_lets_nothing_through_until_it_has_rested() -> None:
    state = opened()
    assert admit(after(59.9), state, LIMITS) == (False, state)
    probed(state, after(60))


def test_one_probe_at_a_time_and_the_next_when_it_is_not_heard_of() -> None:
    state = probed(opened(), after(60))
    assert not admit(after(61), state, LIMITS)[0]
    assert not admit(after(659), state, LIMITS)[0]
    probed(state, after(660))


def test_three_good_probes_close_it() -> None:
    state = opened()
    for number in range(GOOD_PROBES):
        state = succeeded(after(60 + number), probed(state, after(60 + number)))
    assert state == State()


def test_a_bad_probe_opens_it_again_for_twice_as_long_up_to_a_quarter_of_an_hour() -> None:
    state, now = opened(), NOW
    for cooldown in (120, 240, 480, LONGEST_COOLDOWN_SECONDS, LONGEST_COOLDOWN_SECONDS):
        assert state.probe_after is not None
        now = state.probe_after
        state = failed(now, probed(state, now), LIMITS, "d")
        assert (state.state, state.good_probes) == (BreakerState.OPEN, 0)
        assert state.cooldown_seconds == cooldown
        assert state.probe_after == now + timedelta(seconds=cooldown)


def test_what_ends_while_it_is_open_says_nothing_new() -> None:
    state = opened()
    assert failed(after(1), state, LIMITS, "z") == state
    assert succeeded(after(1), state) == state


class Breakers(RuleBasedStateMachine):
    """Any order of events."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.state = State()

    @rule(seconds=floats(0, 1000))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def ask(self) -> None:
        admitted, state = admit(self.now, self.state, LIMITS)
        if not admitted:
            assert state == self.state
        # no second one at the same moment unless it is closed
        assert state.state is BreakerState.CLOSED or not admit(self.now, state, LIMITS)[0]
        self.state = state

    @rule(digest=integers(0, 5))
    def fail(self, digest: int) -> None:
        self.state = failed(self.now, self.state, LIMITS, str(digest))

    @rule()
    def succeed(self) -> None:
        self.state = succeeded(self.now, self.state)

    @invariant()
    def is_sound(self) -> None:
        closed = self.state.state is BreakerState.CLOSED
        assert closed == (self.state.probe_after is None)
        assert len(self.state.failures) < LIMITS.failures
        assert self.state.cooldown_seconds <= LONGEST_COOLDOWN_SECONDS


TestBreakers = Breakers.TestCase
