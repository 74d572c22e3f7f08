"""What is told to a page, whatever came in or was lost."""

from __future__ import annotations

from uuid import UUID, uuid4

from monitoring.live.items import Item, deleted_item
from monitoring.live.subscription import MAX_TOLD, Subscription
from monitoring.live.topics import Topic, capture_topic

ONE, TWO = uuid4(), uuid4()


def item(capture: UUID = ONE, percent: int = 10, state: str = "running") -> Item:
    return Item(
        capture=str(capture),
        job=str(capture),
        state=state,
        percent=percent,
        stage="read",
        held=False,
        deleted=False,
    )


def admitted(*items: Item) -> Subscription:
    subscription = Subscription(Topic("captures"), ())
    subscription.take_reading(list(items), set())
    return subscription


def test_only_the_newest_of_what_came_in_is_told() -> None:
    subscription = admitted()
    subscription.note([item(percent=1), item(TWO)])
    subscription.note([item(percent=2)])
    assert subscription.take_changed() == [item(percent=2), item(TWO)]
    assert subscription.take_changed() == []


def test_what_the_page_knows_already_is_not_told_again() -> None:
    subscription = admitted(item())
    subscription.note([item()])
    assert subscription.take_changed() == []
    assert subscription.take_reading([item()], {ONE}) == []


def test_a_later_reading_tells_what_was_missed() -> None:
    subscription = admitted(item(percent=10))
    assert subscription.ids_to_read() == {ONE}
    assert subscription.take_reading([item(percent=60)], {ONE}) == [item(percent=60)]


def test_the_first_reading_tells_all_and_that_what_is_shown_is_gone() -> None:
    subscription = Subscription(Topic("captures"), (ONE, TWO))
    said = subscription.take_reading([item(ONE)], subscription.ids_to_read())
    assert said == [item(ONE), deleted_item(str(TWO))]
    assert subscription.take_reading([item(ONE)], subscription.ids_to_read()) == []


def test_what_can_no_longer_be_seen_is_told_as_deleted_once() -> None:
    subscription = admitted(item())
    assert subscription.take_reading([], {ONE}) == [deleted_item(str(ONE))]
    assert subscription.take_reading([], {ONE}) == []


def test_a_capture_that_came_in_while_a_reading_was_made_is_not_taken_for_gone() -> None:
    subscription = admitted()
    asked = subscription.ids_to_read()
    subscription.note([item(TWO)])
    assert subscription.take_reading([], asked) == []
    assert subscription.take_changed() == [item(TWO)]


def test_open_jobs_are_known_until_their_end_is_told() -> None:
    subscription = admitted(item())
    assert subscription.has_open_jobs()
    subscription.note([item(state="done", percent=100)])
    subscription.take_changed()
    assert not subscription.has_open_jobs()


def test_a_subscription_to_one_capture_is_over_when_it_is_deleted() -> None:
    subscription = Subscription(Topic(capture_topic(ONE), ONE), ())
    subscription.take_reading([item()], set())
    assert not subscription.is_over()
    subscription.note([deleted_item(str(ONE))])
    subscription.take_changed()
    assert subscription.is_over()


def test_a_subscription_to_all_is_not_over_when_one_is_deleted() -> None:
    subscription = admitted(item())
    subscription.note([deleted_item(str(ONE))])
    subscription.take_changed()
    assert not subscription.is_over()


def test_what_is_remembered_stays_small() -> None:
    subscription = admitted()
    for _ in range(3):
        subscription.note(item(uuid4()) for _ in range(MAX_TOLD))
        subscription.take_changed()
    assert len(subscription.ids_to_read()) == MAX_TOLD


def test_a_connection_that_is_far_behind_reads_again_instead() -> None:
    subscription = admitted()
    subscription.read_at = 99.0
    subscription.note(item(uuid4()) for _ in range(MAX_TOLD + 1))
    assert subscription.take_changed() == []
    assert subscription.read_at == 0.0
