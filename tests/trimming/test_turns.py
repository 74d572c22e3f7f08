"""Whose turn it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from trimming.turns import LONG, SIZES, Busy, Line, bounds, calls_owed, in_turn, size_of

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PATIENCE = timedelta(seconds=20)
ALICE, BOB = 1, 2
NORMAL, HIGH = 0, 1


SMALL, MEDIUM = 0, 2


def line(owner: int = ALICE, *, size: int = SMALL, priority: int = 0, waits: float = 1) -> Line:
    return Line(owner, priority, size, NOW - timedelta(seconds=waits))


def idle(workers: int = 4) -> Busy:
    return Busy({}, 0, workers)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def test_the_oldest_goes_first_when_nothing_else_tells_them_apart() -> None:
    older, newer = line(ALICE, waits=2), line(BOB, waits=1)
    assert in_turn([newer, older], idle(), 0) == [older, newer]


def test_who_has_fewer_workers_busy_goes_first_however_long_the_other_waits() -> None:
    greedy, modest = line(ALICE, waits=3600), line(BOB, waits=1)
    assert in_turn([greedy, modest], Busy({ALICE: 2, BOB: 1}, 0, 4), 0) == [modest, greedy]


def test_what_is_urgent_goes_before_everything_else() -> None:
    urgent = line(ALICE, priority=HIGH, size=LONG)
    usual = line(BOB, waits=3600)
    assert in_turn([usual, urgent], Busy({ALICE: 3}, 1, 8), 0) == [urgent, usual]


def test_a_small_one_goes_before_larger_ones_that_have_waited_for_longer_and_had_their_turn() -> (
    None
):
    medium, small = line(size=MEDIUM, waits=3600), line()
    busy = Busy({ALICE: 1}, 0, 4, {(ALICE, MEDIUM): ago(5)})
    assert in_turn([medium, small], busy, 0) == [small, medium]


def test_many_small_ones_do_not_keep_a_larger_one_waiting() -> None:
    long, small = line(size=LONG), line(waits=3600)
    busy = Busy({ALICE: 1}, 0, 4, {(ALICE, SMALL): ago(1), (ALICE, LONG): ago(2)})
    assert in_turn([small, long], busy, 0) == [long, small]


def test_what_others_have_had_begun_takes_nobodys_turn() -> None:
    medium, small = line(size=MEDIUM, waits=3600), line()
    begun = {(BOB, SMALL): ago(0.1), (ALICE, MEDIUM): ago(5)}
    assert in_turn([medium, small], Busy({}, 0, 4, begun), 0) == [small, medium]


@given(st.floats(0, 1e12), st.floats(1e-3, 1e12))
def test_each_amount_has_one_size(amount: float, longer_than: float) -> None:
    found = [
        size
        for size in SIZES
        for above, at_most in [bounds(size, longer_than)]
        if above < amount <= at_most
    ]
    assert found == [size_of(amount, longer_than)]
    assert (found == [LONG]) == (amount > longer_than)


@given(st.lists(st.sampled_from(SIZES), max_size=60))
def test_of_one_persons_jobs_each_size_has_its_turn_within_one_of_every_other(
    queue: list[int],
) -> None:
    waiting = [Line(ALICE, 0, size, NOW + timedelta(seconds=n)) for n, size in enumerate(queue)]
    begun: dict[tuple[int, int], datetime] = {}
    order: list[int] = []
    while waiting:
        first = {size: next((w for w in waiting if w.size == size), None) for size in SIZES}
        lines = [each for each in first.values() if each is not None]
        turn = in_turn(lines, Busy({}, 0, 1, begun), 0)[0]
        for size in {each.size for each in lines}:
            since = order[::-1].index(size) if size in order else len(order)
            assert since < len(SIZES)
        order.append(turn.size)
        begun[ALICE, turn.size] = NOW + timedelta(seconds=len(order))
        waiting.remove(turn)
    assert sorted(order) == sorted(queue)


def test_one_worker_is_kept_free_of_long_ones() -> None:
    long, short = line(size=LONG), line(BOB)
    assert in_turn([long, short], Busy({ALICE: 3}, 3, 4), 0) == [short]
    assert in_turn([long], Busy({ALICE: 3}, 3, 4), 0) == []


def test_a_single_worker_does_long_ones_as_well() -> None:
    long = line(size=LONG)
    assert in_turn([long], idle(1), 0) == [long]


def test_nobody_has_more_jobs_done_than_one_person_may() -> None:
    assert in_turn([line(ALICE), line(BOB)], Busy({ALICE: 2}, 0, 8), 2) == [line(BOB)]


lines = st.builds(
    Line,
    st.integers(1, 5),
    st.sampled_from((-1, 0, 1)),
    st.sampled_from(SIZES),
    st.integers(0, 9999).map(lambda seconds: NOW - timedelta(seconds=seconds)),
)


@given(st.lists(lines, max_size=12), st.integers(1, 16), st.data())
def test_a_worker_that_is_free_has_a_turn_to_give_unless_only_long_ones_wait(
    waiting: list[Line], workers: int, data: st.DataObject
) -> None:
    busy_workers = data.draw(st.integers(0, workers - 1))
    long = data.draw(st.integers(0, busy_workers))
    found = in_turn(waiting, Busy({ALICE: busy_workers}, long, workers), 0)
    assert set(found) <= set(waiting)
    if any(not each.is_long for each in waiting):
        assert any(not each.is_long for each in found)
    if waiting and not found:
        assert workers > 1
        assert long == workers - 1


@given(st.integers(1, 8), st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=40))
def test_everybodys_jobs_end_and_the_long_ones_never_have_all_workers(
    workers: int, queue: list[tuple[int, bool]]
) -> None:
    waiting = [
        (Line(owner, 0, LONG if is_long else SMALL, NOW + timedelta(seconds=n)), n)
        for n, (owner, is_long) in enumerate(queue)
    ]
    running: list[Line] = []
    while waiting or running:
        while len(running) < workers:
            by_owner = {o: sum(r.owner == o for r in running) for o in range(1, 5)}
            busy = Busy(by_owner, sum(r.is_long for r in running), workers)
            turn = in_turn([each for each, _ in waiting], busy, 0)
            if not turn:
                break
            running.append(turn[0])
            waiting = [(each, n) for each, n in waiting if each is not turn[0]]
            assert workers == 1 or sum(r.is_long for r in running) < workers
        assert running  # something is done as long as something waits
        running.pop(0)


def owed(
    waited: float | None, *, waiting: int = 3, last_claim: float | None = None, busy: int = 0
) -> int:
    """Ask the rule; times are seconds ago, two workers."""

    def before_now(seconds: float | None) -> datetime | None:
        return None if seconds is None else ago(seconds)

    return calls_owed(
        waiting=waiting,
        oldest=before_now(waited),
        last_claim_at=before_now(last_claim),
        now=NOW,
        patience=PATIENCE,
        busy_workers=busy,
        workers=2,
    )


def test_a_call_that_has_just_been_made_is_not_lost() -> None:
    assert owed(19.9) == 0


def test_jobs_that_nobody_begins_while_workers_are_free_have_lost_their_calls() -> None:
    assert owed(20) == 2
    assert owed(60, last_claim=25, busy=1) == 1
    assert owed(60, waiting=1) == 1


def test_jobs_behind_others_that_are_begun_wait_their_turn() -> None:
    assert owed(3600, last_claim=1) == 0


def test_jobs_behind_busy_workers_wait_their_turn() -> None:
    assert owed(600, last_claim=500, busy=2) == 0


def test_nobody_is_called_for_nothing_nor_for_what_may_not_begin() -> None:
    assert owed(600, waiting=0) == 0
    assert owed(None) == 0
