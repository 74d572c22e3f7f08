"""Each stage of the pipeline with a clock that is set: what it does, and what it says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from monitoring.alerts.hours import read_hours
from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.stages.escalation import next_level_at
from monitoring.alerts.values import SilenceFacts
from tests.monitoring.alerts.world import BEGIN, FIRING, RESOLVED, World, condition, plan

DISK = condition("disk")
CRITICAL = condition("leak", Severity.CRITICAL)


def silence(begin: float, end: float, **matchers: str) -> SilenceFacts:
    return SilenceFacts(
        7,
        tuple(matchers.items()) or (("rule", "disk"),),
        BEGIN + timedelta(seconds=begin),
        BEGIN + timedelta(seconds=end),
    )


class TestHold:
    def test_a_condition_without_a_hold_time_fires_at_once(self) -> None:
        world = World()
        world.look(0, DISK)
        assert world.alert.state == "firing"
        assert world.said("hold") == ["fired"]

    def test_a_condition_fires_when_it_has_held_for_its_time(self) -> None:
        world, slow = World(), condition(hold_seconds=60)
        world.look(0, slow)
        world.look(59, slow)
        assert world.alert.state == "pending"
        world.look(60, slow)
        assert world.alert.state == "firing"
        assert world.said("hold") == ["began", "fired"]

    def test_what_is_over_before_its_time_is_told_to_nobody(self) -> None:
        world = World()
        world.look(0, condition(hold_seconds=60))
        world.look(30)
        assert world.alert.state == "passed"
        assert world.said() == ["began", "passed"]
        assert not world.done

    def test_what_could_not_be_judged_stays_as_it_is(self) -> None:
        world = World()
        world.look(0, DISK)
        world.look(10, unknown=frozenset({"disk"}))
        world.look(20, only=frozenset({"monitor_silent"}))
        assert world.alert.is_firing
        world.look(30)
        assert world.alert.state == "resolved"

    def test_text_does_not_make_another_alert_and_labels_do(self) -> None:
        world = World()
        world.look(0, DISK, condition("disk", label="other"))
        world.look(20, replace(DISK, sentence="95 %", value=95.0), condition(label="other"))
        assert len(world.state.alerts) == 2
        assert "95 %" in {each.sentence for each in world.state.alerts.values()}

    def test_sentences_are_taken_anew_every_ten_seconds_at_most(self) -> None:
        world = World()
        world.look(0, DISK)
        world.look(9, replace(DISK, value=95.0))
        assert world.alert.value is None
        world.look(10, replace(DISK, value=95.0))
        assert world.alert.value == 95.0

    def test_of_two_conditions_of_one_fingerprint_the_worse_one_counts(self) -> None:
        world = World()
        world.look(0, condition(severity=Severity.LOW), DISK, condition(severity=Severity.MEDIUM))
        assert world.alert.severity == "high"

    def test_what_grows_worse_is_told_again_although_it_was_acknowledged(self) -> None:
        world = World()
        world.look(0, DISK)
        world.look(30, DISK)
        world.acknowledge()
        world.look(60, condition("disk", Severity.CRITICAL))
        assert world.alert.acknowledged_at is None
        world.look(65, condition("disk", Severity.CRITICAL))
        assert [each.severity for each in world.sent] == ["high", "high", "critical", "critical"]
        assert "worse" in world.said("hold")

    def test_what_grows_worse_before_it_was_told_is_told_once(self) -> None:
        world, other = World(), condition("queue")
        world.look(0, DISK, other)
        world.look(10, condition("disk", Severity.CRITICAL), other)
        world.look(20, condition("disk", Severity.CRITICAL), other)
        assert [(each.channel, each.severity) for each in world.sent] == [
            ("log", "critical"),
            ("slack", "critical"),
        ]

    def test_what_grows_better_is_not_told(self) -> None:
        world = World()
        world.look(0, DISK)
        world.look(30, DISK)
        world.look(60, condition("disk", Severity.LOW))
        assert len(world.sent) == 2
        assert world.alert.severity == "low"

    def test_a_storm_begins_and_ends_over_several_looks(self) -> None:
        world = World()
        storm = [condition(label=str(number)) for number in range(750)]
        world.look(0, *storm)
        assert len(world.state.alerts) == 500
        world.look(1, *storm)
        assert len(world.state.alerts) == 750
        world.look(2)
        assert sum(each.is_firing for each in world.state.alerts.values()) == 250
        world.look(3)
        assert sum(each.is_firing for each in world.state.alerts.values()) == 0


class TestFlapping:
    def test_what_fires_for_the_third_time_is_resolved_after_a_quiet_time_only(self) -> None:
        world = World()
        for seconds in (0, 60, 120):
            world.look(seconds, DISK)
            world.look(seconds + 30)
        newest = max(world.state.alerts.values(), key=lambda each: each.since)
        assert newest.is_firing
        assert world.said("flapping") == ["resolved", "resolved", "damped"]
        world.look(180, DISK)
        world.look(200)
        assert len(world.state.alerts) == 3
        assert "came_back" in world.said("hold")
        world.look(799)
        assert max(world.state.alerts.values(), key=lambda each: each.since).is_firing
        world.look(800)
        assert not any(each.is_firing for each in world.state.alerts.values())

    def test_an_hour_later_it_is_an_alert_like_any_other(self) -> None:
        world = World()
        for seconds in (0, 3600, 7200):
            world.look(seconds, DISK)
            world.look(seconds + 30)
        assert world.said("flapping") == ["resolved"] * 3


class TestGrouping:
    def test_what_fires_within_the_wait_is_one_message_for_each_channel(self) -> None:
        world = World()
        world.look(0, DISK)
        world.look(20, DISK, condition("queue"))
        assert world.look(29, DISK, condition("queue")) == []
        sent = world.look(30, DISK, condition("queue"))
        assert [(each.channel, len(each.alerts)) for each in sent] == [("log", 2), ("slack", 2)]

    def test_the_next_message_of_a_group_comes_after_the_interval(self) -> None:
        world = World()
        world.look(0, DISK)
        world.look(30, DISK)
        world.look(60, DISK, condition("queue"))
        assert world.look(329, DISK, condition("queue")) == []
        assert len(world.look(330, DISK, condition("queue"))) == 2

    def test_critical_alerts_wait_for_seconds_only(self) -> None:
        world = World()
        world.look(0, CRITICAL)
        assert len(world.look(5, CRITICAL)) == 2
        world.look(10, CRITICAL, condition("other", Severity.CRITICAL))
        assert len(world.look(15, CRITICAL, condition("other", Severity.CRITICAL))) == 2

    def test_severities_do_not_wait_for_one_another(self) -> None:
        world = World()
        world.look(0, DISK, CRITICAL)
        assert {each.severity for each in world.look(5, DISK, CRITICAL)} == {"critical"}

    def test_what_is_told_at_once_takes_its_group_along(self) -> None:
        world = World()
        world.look(0, DISK)
        sent = world.look(1, DISK, condition("monitor_silent", at_once=True))
        assert [len(each.alerts) for each in sent] == [2, 2]

    def test_a_message_has_twenty_lines_and_counts_the_rest(self) -> None:
        world = World()
        storm = [condition(label=str(number)) for number in range(50)]
        world.look(0, *storm)
        sent = world.look(30, *storm)
        assert [(len(each.alerts), each.more) for each in sent] == [(20, 30), (20, 30)]

    def test_of_a_storm_the_worst_group_goes_first_and_the_others_in_the_next_looks(self) -> None:
        world = World(plan(channels=dict.fromkeys(Severity, ("slack",))))
        storm = [
            condition(label=f"{severity}{number}", severity=severity)
            for severity in (Severity.LOW, Severity.HIGH)
            for number in range(2000)
        ]
        for seconds in range(6):
            world.look(seconds, *storm)
        severities = [
            [each.severity for each in world.look(seconds, *storm)] for seconds in (40, 41, 42)
        ]
        assert severities == [["high"], ["low"], []]


class TestMuting:
    MUTES: ClassVar[Any] = {"rollback": frozenset({"disk"})}

    def test_a_stronger_alert_mutes_what_it_names(self) -> None:
        world = World(plan(mutes=self.MUTES))
        rollback = condition("rollback", Severity.CRITICAL)
        world.look(0, DISK)
        world.look(5, DISK, rollback)
        world.look(30, DISK, rollback)
        assert {each.severity for each in world.sent} == {"critical"}
        assert world.said("inhibition") == ["muted"]
        world.look(60, rollback)
        assert world.reasons()["suppressed", "inhibited"] == 2

    def test_what_still_fires_when_that_ends_is_told(self) -> None:
        world = World(plan(mutes=self.MUTES))
        world.look(0, DISK, condition("rollback"))
        world.look(30, DISK, condition("rollback"))
        world.look(60, DISK)
        assert world.said("inhibition") == ["muted", "unmuted"]
        world.look(400, DISK)
        assert [len(each.alerts) for each in world.sent if each.kind == FIRING] == [1, 1, 1, 1]

    def test_a_reload_does_not_fire_again_what_is_muted(self) -> None:
        world = World(plan(mutes=self.MUTES))
        rollback = condition("rollback")
        for seconds in (0, 30, 60, 90):
            world.look(seconds, DISK, rollback)
            world.plan = plan(mutes=self.MUTES, messages_per_hour=40 + seconds)
            world.restart()
        assert [each.alerts for each in world.sent if DISK.fingerprint in each.alerts[0]] == []
        assert world.said("inhibition") == ["muted"]

    def test_an_alert_of_a_rule_that_runs_dry_mutes_nothing(self) -> None:
        world = World(plan(mutes=self.MUTES))
        world.look(0, DISK, condition("rollback", is_dry=True))
        assert world.said("inhibition") == []

    def test_a_silence_keeps_quiet_until_it_ends(self) -> None:
        world = World()
        world.silence(silence(0, 600))
        for seconds in (0, 30, 599):
            assert world.look(seconds, DISK) == []
        assert len(world.look(600, DISK)) == 2
        assert world.said("silence") == ["muted", "unmuted"]

    def test_what_is_over_meanwhile_is_counted_as_silenced(self) -> None:
        world = World()
        world.silence(silence(0, 600))
        world.look(0, DISK)
        world.look(100)
        world.look(700)
        assert world.sent == []
        assert world.reasons() == {("suppressed", "silenced"): 2}

    def test_a_maintenance_window_that_begins_later_silences_later(self) -> None:
        world = World()
        world.silence(silence(100, 600))
        world.look(0, DISK)
        assert len(world.look(30, DISK)) == 2

    @pytest.mark.parametrize(
        ("matchers", "is_muted"),
        [
            ({"rule": "di*"}, True),
            ({"rule": "disk", "severity": "high"}, True),
            ({"rule": "disk", "severity": "low"}, False),
            ({"name": "a"}, True),
            ({"name": "b"}, False),
            ({"place": "*"}, False),
        ],
    )
    def test_all_matchers_must_match(self, matchers: dict[str, str], is_muted: bool) -> None:
        world = World()
        world.silence(silence(0, 600, **matchers))
        world.look(0, condition("disk", label="a"))
        assert bool(world.alert.muted) is is_muted

    def test_a_silence_is_reminded_of_once_before_it_ends(self) -> None:
        world = World(plan(reminder_channels=("slack", "email")))
        world.silence(silence(0, 3600))
        assert world.look(2699) == []
        (sent,) = world.look(2700)
        assert (sent.kind, sent.channel, sent.silence) == ("reminder", "slack", 7)
        assert world.look(2701) == []


class TestRouting:
    def test_severity_decides_the_channels(self) -> None:
        world = World(plan(channels={Severity.HIGH: ("log",), Severity.LOW: ("slack",)}))
        world.look(0, DISK, condition("queue", Severity.LOW))
        world.look(30, DISK, condition("queue", Severity.LOW))
        assert {(each.channel, each.severity) for each in world.sent} == {
            ("log", "high"),
            ("slack", "low"),
        }

    def test_a_rule_may_have_channels_of_its_own(self) -> None:
        world = World(plan(rule_channels=(("health_*", ("slack",)), ("disk", ("log",)))))
        world.look(0, DISK)
        world.look(30, DISK)
        assert [each.channel for each in world.sent] == ["log"]

    def test_a_channel_that_is_switched_off_is_not_used(self) -> None:
        world = World(plan(enabled=frozenset({"log"})))
        world.look(0, DISK)
        world.look(30, DISK)
        assert [each.channel for each in world.sent] == ["log"]

    def test_without_any_channel_it_is_counted_as_suppressed(self) -> None:
        world = World(plan(enabled=frozenset()))
        world.look(0, DISK)
        assert world.reasons() == {("suppressed", "no_channel"): 1}

    def test_an_alert_about_a_channel_goes_by_the_others(self) -> None:
        world = World()
        failing = replace(DISK, labels=(("channel", "slack"),))
        world.look(0, failing)
        world.look(30, failing)
        assert [each.channel for each in world.sent] == ["log"]

    def test_outside_of_its_hours_an_alert_waits_for_them(self) -> None:
        hours = {Severity.HIGH: read_hours("13:00-18:00")}
        world = World(plan(hours=hours))
        world.look(0, DISK)
        assert world.look(3599, DISK) == []
        assert world.reasons() == {("waiting", "hours"): 2}
        assert len(world.look(3600, DISK)) == 2

    def test_what_is_over_before_its_hours_is_counted(self) -> None:
        world = World(plan(hours={Severity.HIGH: read_hours("13:00-18:00")}))
        world.look(0, DISK)
        world.look(60)
        assert world.reasons() == {("suppressed", "hours"): 2}

    def test_a_rule_that_runs_dry_tells_nobody(self) -> None:
        world = World()
        world.look(0, condition(is_dry=True))
        assert world.reasons() == {("suppressed", "dry_run"): 2}

    def test_a_rule_that_no_longer_runs_dry_tells(self) -> None:
        world = World()
        world.look(0, condition(is_dry=True))
        world.look(10, DISK)
        assert not world.alert.is_dry
        world.look(20, condition("disk", Severity.CRITICAL))
        assert len(world.look(30, condition("disk", Severity.CRITICAL))) == 2

    def test_it_begins_at_the_first_level_on_duty(self) -> None:
        world = World(plan(level_hours={1: read_hours("sat")}, level_channels={2: ("slack",)}))
        world.look(0, DISK)
        assert world.alert.level == 2
        assert [each.channel for each in world.done.values()] == ["slack"]

    def test_without_any_level_on_duty_it_is_the_first(self) -> None:
        world = World(plan(level_hours={level: read_hours("sat") for level in (1, 2, 3)}))
        world.look(0, DISK)
        assert world.alert.level == 1


class TestResolved:
    def test_it_is_told_to_whoever_was_told_that_it_fired(self) -> None:
        world = World()
        world.look(0, DISK)
        world.look(30, DISK)
        world.look(60)
        world.look(90)
        assert world.kinds() == [
            ("log", FIRING),
            ("slack", FIRING),
            ("log", RESOLVED),
            ("slack", RESOLVED),
        ]

    def test_what_is_over_before_anybody_was_told_is_counted(self) -> None:
        world = World()
        world.look(0, DISK)
        world.look(10)
        world.look(40)
        assert world.sent == []
        assert world.reasons() == {("suppressed", "over"): 2}

    def test_a_critical_alert_is_told_even_then(self) -> None:
        world = World()
        world.look(0, CRITICAL)
        world.look(2)
        world.look(5)
        assert world.kinds() == [("log", FIRING), ("slack", FIRING)]


class TestRepeating:
    def test_it_is_told_once_and_again_after_four_hours(self) -> None:
        world = World()
        for seconds in range(0, 4 * 3600, 60):
            world.look(seconds, DISK)
        assert len(world.sent) == 2
        for seconds in range(4 * 3600, 4 * 3600 + 120, 10):
            world.look(seconds, DISK)
        assert [each.kind for each in world.sent[2:]] == ["repeated", "repeated"]

    def test_not_once_it_was_acknowledged(self) -> None:
        world = World()
        world.look(0, DISK)
        world.look(30, DISK)
        world.acknowledge()
        for hours in (4, 5, 9):
            world.look(hours * 3600, DISK)
        assert len(world.sent) == 2

    def test_not_while_it_is_silenced(self) -> None:
        world = World()
        world.look(0, DISK)
        world.look(30, DISK)
        world.silence(silence(0, 6 * 3600))
        world.look(5 * 3600, DISK)
        assert "repeated" not in world.said()
        world.look(6 * 3600, DISK)
        assert "repeated" in world.said()

    def test_what_was_acknowledged_before_anybody_was_told_is_counted(self) -> None:
        world = World()
        world.look(0, DISK)
        world.acknowledge()
        world.look(30, DISK)
        assert world.reasons() == {("suppressed", "acknowledged"): 2}


class TestEscalation:
    AFTER: ClassVar[Any] = {
        2: {Severity.HIGH: timedelta(minutes=15)},
        3: {Severity.HIGH: timedelta(minutes=45)},
    }

    def told(self, **changes: Any) -> World:
        world = World(plan(level_after=self.AFTER, **changes))
        world.look(0, DISK)
        world.look(30, DISK)
        return world

    def test_the_next_level_is_told_in_its_time_on_its_channels(self) -> None:
        world = self.told(level_channels={2: ("slack",)})
        assert world.look(929, DISK) == []
        (sent,) = world.look(930, DISK)
        assert (sent.kind, sent.channel, sent.level) == ("escalated", "slack", 2)
        assert world.alert.level == 2
        assert len(world.look(2730, DISK)) == 2
        assert world.alert.level == 3
        assert world.look(9000, DISK) == []

    def test_acknowledging_stops_it(self) -> None:
        world = self.told()
        world.acknowledge()
        assert world.look(930, DISK) == []
        assert next_level_at(world.alert, world.plan) is None

    def test_a_silence_stops_it(self) -> None:
        world = self.told()
        world.silence(silence(0, 3600))
        assert world.look(930, DISK) == []

    def test_a_level_that_is_not_on_duty_is_passed_over(self) -> None:
        world = self.told(level_hours={2: read_hours("sat")})
        world.look(930, DISK)
        assert world.alert.level == 3

    def test_without_a_level_on_duty_it_waits_for_one(self) -> None:
        hours = read_hours("13:00-14:00")
        world = self.told(level_hours={2: hours, 3: hours})
        world.look(930, DISK)
        assert world.alert.level == 1
        world.look(3600, DISK)
        assert world.alert.level == 2

    def test_a_severity_without_a_time_does_not_escalate(self) -> None:
        world = World(plan(level_after=self.AFTER))
        low = condition(severity=Severity.LOW)
        world.look(0, low)
        world.look(30, low)
        world.look(9000, low)
        assert world.alert.level == 1

    def test_what_nobody_was_told_of_does_not_escalate(self) -> None:
        world = World(plan(level_after=self.AFTER))
        world.look(0, condition(is_dry=True))
        assert next_level_at(replace(world.alert, told_at=BEGIN), world.plan) is None
        assert next_level_at(world.alert, world.plan) is None


class TestLimits:
    def storm(self, world: World, severity: Severity, minutes: int = 60) -> None:
        """Let something new fire every minute, told at once."""
        for minute in range(minutes):
            world.look(60 * minute, condition(f"r{minute}", severity, at_once=True), unknown=KNOWN)

    def test_messages_of_an_hour_stay_within_the_limit_and_the_rest_is_in_digests(self) -> None:
        world = World(plan(messages_per_hour=12, channels={Severity.HIGH: ("slack",)}))
        self.storm(world, Severity.HIGH)
        assert len(world.sent) <= 12
        digests = [each for each in world.sent if each.kind == MessageKind.DIGEST]
        assert 1 < len(digests) <= world.plan.reserve + 1
        told = sum(len(each.alerts) + each.more for each in world.sent)
        waiting = sum(each.why == "rate" and not each.notification for each in world.done.values())
        assert told + waiting == 60

    def test_critical_messages_always_go(self) -> None:
        world = World(plan(messages_per_hour=12, channels={Severity.CRITICAL: ("slack",)}))
        self.storm(world, Severity.CRITICAL)
        assert len(world.sent) == 60

    def test_a_channel_that_is_full_does_not_keep_another_from_its_messages(self) -> None:
        routes = {Severity.HIGH: ("slack",), Severity.LOW: ("log",)}
        world = World(plan(messages_per_hour=4, channels=routes))
        self.storm(world, Severity.HIGH, 10)
        low = condition("low", Severity.LOW, at_once=True)
        assert [each.channel for each in world.look(700, low, unknown=KNOWN)] == ["log"]


KNOWN = frozenset(f"r{minute}" for minute in range(60))
