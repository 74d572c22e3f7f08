"""The pages about alerts: who may do what, what they show, and that looking changes nothing."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.models import AuditEvent
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from monitoring.alerts.links import token_of
from monitoring.alerts.message import Severity
from monitoring.alerts.models import Alert, AlertRule, Notification, Silence
from tests.factories import make_user
from tests.monitoring.alerts.effects import FakeChannel, look_at, only_channels
from tests.monitoring.alerts.world import condition
from tests.monitoring.measured import make_rollups, make_samples

pytestmark = pytest.mark.django_db
PAGES = ("/alerts/", "/alerts/silences/", "/alerts/rules/")
ROLES = (VIEWER, OPERATOR, APPROVER, ADMINISTRATOR)
DISK = condition("disk", runbook="disk", actions=("Add space.",), value=91.0, limit=80.0, unit="%")
RULE = {
    "name": "Busy",
    "metric": "cpu_percent",
    "comparison": "above",
    "threshold": "64",
    "for_seconds": "300",
    "severity": "medium",
    "action": "Look at it.",
}


@pytest.fixture(autouse=True)
def _channels() -> Iterator[None]:
    with only_channels(log=FakeChannel(), slack=FakeChannel()):
        yield


@pytest.fixture
def fired() -> Alert:
    """One alert that fires and is in two messages."""
    now = timezone.now()
    look_at(now - timedelta(seconds=60), DISK)
    look_at(now - timedelta(seconds=20), DISK)
    return Alert.objects.get()


def client_of(role: str = OPERATOR) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


def shown(response: Any) -> str:
    """Return what a person reads of a page, with single spaces."""
    text = re.sub(r"<(script|svg)\b.*?</\1>|<[^>]*>", " ", response.content.decode(), flags=re.S)
    return " ".join(html.unescape(text).split())


def newest_key() -> str:
    """Return the key of the newest message."""
    key: str = Notification.objects.values_list("pk", flat=True)[0]
    return key


class TestWhoMay:
    @pytest.mark.parametrize("address", [*PAGES, "/alerts/data/"])
    def test_without_a_login_one_is_asked_for(self, client: Client, address: str) -> None:
        assert client.get(address)["Location"].startswith("/sign-in/")

    @pytest.mark.parametrize("role", ROLES)
    @pytest.mark.parametrize("address", PAGES)
    def test_every_role_may_look(self, role: str, address: str) -> None:
        assert client_of(role).get(address).status_code == 200

    @pytest.mark.parametrize("address", PAGES)
    def test_nobody_else_may(self, address: str) -> None:
        client = Client()
        client.force_login(User.objects.create_user("somebody"))
        assert client.get(address).status_code == 403

    @pytest.mark.parametrize(
        "address",
        [
            "/alerts/acknowledge/",
            "/alerts/silences/",
            "/alerts/silences/1/end/",
            "/alerts/rules/",
            "/alerts/rules/1/mode/",
            "/alerts/dead-letters/",
        ],
    )
    def test_a_viewer_changes_nothing(self, fired: Alert, address: str) -> None:
        answer = client_of(VIEWER).post(address, {"keys": fired.pk, **RULE, "act": "save"})
        assert answer.status_code == 403
        fired.refresh_from_db()
        assert fired.acknowledged_at is None
        assert not AlertRule.objects.exists()

    def test_a_viewer_sees_no_buttons(self, fired: Alert) -> None:
        text = client_of(VIEWER).get("/alerts/").content.decode()
        assert "Acknowledge</button>" not in text
        assert "Acknowledge</button>" in client_of().get("/alerts/").content.decode()

    @pytest.mark.parametrize("address", PAGES)
    def test_pages_keep_to_the_strict_policy(self, fired: Alert, address: str) -> None:
        text = client_of().get(address).content.decode()
        assert "<style" not in text
        assert not re.search(r'\sstyle="|\son\w+="', text)


class TestList:
    def test_a_fresh_system_says_what_to_do(self) -> None:
        text = shown(client_of().get("/alerts/"))
        assert "Nothing fires." in text
        assert "Nothing was sent yet" in text

    def test_it_shows_sentence_who_was_told_and_when_it_escalates(self, fired: Alert) -> None:
        text = shown(client_of().get("/alerts/"))
        assert "disk is wrong 91 %, the limit is 80 %. What to do" in text
        assert "log, slack" in text
        assert "Level 2 at" in text
        assert "Open 1 Firing 1 Acknowledged 0 Silenced 0" in text

    def test_the_worst_stand_first_and_of_what_is_over_the_newest(self) -> None:
        now = timezone.now()
        worst, low = condition("worst", Severity.CRITICAL), condition("low", Severity.LOW)
        look_at(now - timedelta(seconds=60), worst)
        look_at(now - timedelta(seconds=30), worst, low)
        client = client_of()
        text = shown(client.get("/alerts/"))
        assert text.index("worst is wrong") < text.index("low is wrong")
        assert "nobody was told yet No escalation" not in text
        look_at(now - timedelta(seconds=20), low)
        look_at(now - timedelta(seconds=10))
        text = shown(client.get("/alerts/?state=resolved"))
        assert text.index("low is wrong") < text.index("worst is wrong")

    def test_tabs_and_severities_narrow_it(self, fired: Alert) -> None:
        client = client_of()
        assert "disk is wrong" in shown(client.get("/alerts/?state=firing&severity=high"))
        assert "No alert is like that" in shown(client.get("/alerts/?severity=low"))
        assert "No alert is like that" in shown(client.get("/alerts/?state=acknowledged"))
        assert "disk is wrong" in shown(client.get("/alerts/?state=nonsense&severity=nonsense"))
        assert "No alert is like that" in shown(client.get("/alerts/?rule=queue"))

    def test_an_open_page_gets_the_same_parts_anew(self, fired: Alert) -> None:
        page = client_of().get("/alerts/?state=firing").content.decode()
        answer = client_of().get("/alerts/data/?state=firing").json()
        assert set(re.findall(r'data-part="(\w+)"', page)) == set(answer["parts"])
        assert "disk is wrong" in answer["parts"]["alert_list"]

    def test_statistics_say_what_was_suppressed_and_why(self, fired: Alert) -> None:
        now = timezone.now()
        low = condition("brief", Severity.LOW)
        look_at(now, DISK, low)
        look_at(now + timedelta(seconds=1), DISK)
        Notification.objects.filter(channel="log").update(state="sent", ended_at=now)
        text = shown(client_of().get("/alerts/?period=24h"))
        assert "1 sent, 0 failed, 1 suppressed" in text
        assert "1 over before anybody was told" in text

    def test_queries_do_not_grow_with_the_alerts(self, fired: Alert) -> None:
        client = client_of(ADMINISTRATOR)
        with CaptureQueriesContext(connection) as of_one:
            client.get("/alerts/")
        many = [condition("queue", label=str(number)) for number in range(40)]
        look_at(timezone.now(), DISK, *many)
        with CaptureQueriesContext(connection) as of_many:
            client.get("/alerts/")
        assert len(of_many) == len(of_one)


class TestAcknowledging:
    def test_one_by_its_button(self, fired: Alert) -> None:
        answer = client_of().post("/alerts/acknowledge/", {"one": fired.pk, "note": "on it"})
        assert answer.status_code == 302
        fired.refresh_from_db()
        assert fired.acknowledged_at is not None
        assert fired.note == "on it"
        event = AuditEvent.objects.get(action="alerts_acknowledged")
        assert event.details["count"] == 1

    def test_many_at_once(self, fired: Alert) -> None:
        look_at(timezone.now(), DISK, condition("queue"))
        keys = list(Alert.objects.values_list("pk", flat=True))
        text = shown(client_of().post("/alerts/acknowledge/", {"keys": keys}, follow=True))
        assert "2 alerts acknowledged." in text

    def test_what_does_not_fire_any_more_is_not_acknowledged(self, fired: Alert) -> None:
        look_at(timezone.now())
        text = shown(client_of().post("/alerts/acknowledge/", {"one": fired.pk}, follow=True))
        assert "Nothing was acknowledged" in text


class TestLink:
    def link(self) -> str:
        """Return the address that the newest message has."""
        return f"/alerts/acknowledge/{token_of(newest_key())}/"

    def test_looking_changes_nothing_and_asks_to_confirm(self, fired: Alert) -> None:
        for client in (Client(), client_of(VIEWER)):
            text = shown(client.get(self.link()))
            assert "Acknowledge 1 alert?" in text
        fired.refresh_from_db()
        assert fired.acknowledged_at is None

    def test_whoever_has_the_link_may_acknowledge_with_a_name(self, fired: Alert) -> None:
        answer = Client().post(self.link(), {"name": "Ada"})
        assert "1 alert acknowledged" in shown(answer)
        fired.refresh_from_db()
        assert fired.acknowledged_by == "Ada, by link"

    def test_who_is_signed_in_acknowledges_under_that_name(self, fired: Alert) -> None:
        client, user = Client(), make_user(VIEWER)
        client.force_login(user)
        client.post(self.link(), {"name": "Ada"})
        fired.refresh_from_db()
        assert fired.acknowledged_by == user.get_username()

    def test_a_second_time_there_is_nothing_left(self, fired: Alert) -> None:
        Client().post(self.link(), {})
        assert "Nothing is left" in shown(Client().get(self.link()))

    @pytest.mark.parametrize("salt", ["monitoring.alerts.other", "django.core.signing"])
    def test_a_token_for_something_else_is_none(self, fired: Alert, salt: str) -> None:
        token = signing.dumps(newest_key(), salt=salt)
        answer = Client().post(f"/alerts/acknowledge/{token}/", {})
        assert answer.status_code == 410
        assert "works no longer" in shown(answer)
        fired.refresh_from_db()
        assert fired.acknowledged_at is None

    def test_a_token_that_is_too_old_is_none(
        self, fired: Alert, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        link = self.link()
        later = timezone.now().timestamp() + 25 * 3600
        monkeypatch.setattr("django.core.signing.time.time", lambda: later)
        assert Client().post(link, {}).status_code == 410


class TestDetail:
    def test_it_shows_every_step_and_who_was_told(self, fired: Alert) -> None:
        text = shown(client_of().get(f"/alerts/{fired.pk}/"))
        assert "Fires at once." in text
        assert "To be told on log, slack, level 1." in text
        assert "In a message for slack (fires)." in text
        assert "Add space." in text

    def test_a_silence_comes_with_its_matchers(self, fired: Alert) -> None:
        client = client_of()
        page = client.get(f"/alerts/{fired.pk}/").content.decode()
        address = html.unescape(re.search(r'href="(/alerts/silences/\?[^"]*)"', page)[1])  # type: ignore[index]
        form = client.get(address).content.decode()
        assert 'value="rule=disk"' in form

    def test_one_that_is_not_there_is_not_found(self) -> None:
        assert client_of().get("/alerts/nothing/").status_code == 404


class TestSilences:
    ASKED: ClassVar[dict[str, str]] = {
        "matchers": "rule=disk",
        "hours": "2",
        "reason": "night batch",
        "begins": "",
    }

    def test_one_is_made_and_ended(self, fired: Alert) -> None:
        client = client_of()
        text = shown(client.post("/alerts/silences/", self.ASKED, follow=True))
        assert "is in force until" in text
        assert "In force" in text
        row = Silence.objects.get()
        assert row.ends - row.begins == timedelta(hours=2)
        assert "made silence" in shown(client.get(f"/alerts/{fired.pk}/"))
        text = shown(client.post(f"/alerts/silences/{row.pk}/end/", follow=True))
        assert "The silence has ended" in text
        text = shown(client.post(f"/alerts/silences/{row.pk}/end/", follow=True))
        assert "this silence is over already" in text

    def test_a_maintenance_window_begins_later(self) -> None:
        begins = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%d %H:%M")
        client_of().post("/alerts/silences/", {**self.ASKED, "begins": begins})
        assert Silence.objects.get().begins > timezone.now()

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"matchers": "everything"}, "expected matchers, as in rule=health_*"),
            ({"reason": ""}, "A silence needs a reason."),
            ({"reason": "   "}, "A silence needs a reason."),
            ({"hours": "169"}, "lasts 168 h at most"),
            ({"hours": "-1"}, "greater than or equal to 0.05"),
            ({"begins": "2020-01-01 00:00"}, "not in the past"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_is_changed(
        self, changes: dict[str, str], words: str
    ) -> None:
        answer = client_of().post("/alerts/silences/", {**self.ASKED, **changes})
        assert answer.status_code == 422
        assert words in shown(answer)
        assert not Silence.objects.exists()


class TestRules:
    def test_a_rule_is_tried_on_the_past_before_it_is_saved(self) -> None:
        minute = timezone.now().replace(second=0, microsecond=0)
        make_rollups(minute, 7 * 1440, 60)
        client = client_of()
        text = shown(client.post("/alerts/rules/", {**RULE, "act": "try"}))
        found = re.search(r"Would have fired (\d+) times in (\S+) days", text)
        assert found is not None
        assert int(found[1]) > 5
        assert not AlertRule.objects.exists()
        text = shown(client.post("/alerts/rules/", {**RULE, "act": "save"}, follow=True))
        assert "Busy is saved: Dry run." in text
        assert AlertRule.objects.get().back_test_count == int(found[1])

    def test_without_measured_values_nothing_is_claimed(self) -> None:
        text = shown(client_of().post("/alerts/rules/", {**RULE, "act": "try"}))
        assert "so nothing can be said" in text

    def test_it_is_switched_on_and_off(self) -> None:
        client = client_of()
        client.post("/alerts/rules/", {**RULE, "act": "save"})
        row = AlertRule.objects.get()
        assert "Busy: On." in shown(
            client.post(f"/alerts/rules/{row.pk}/mode/", {"mode": "on"}, follow=True)
        )
        text = shown(client.post(f"/alerts/rules/{row.pk}/mode/", {"mode": "x"}, follow=True))
        assert "there is no such mode" in text
        row.refresh_from_db()
        assert row.mode == "on"

    def test_it_is_changed_and_keeps_its_mode(self) -> None:
        client = client_of()
        client.post("/alerts/rules/", {**RULE, "act": "save"})
        row = AlertRule.objects.get()
        AlertRule.objects.update(mode="on")
        assert 'value="Busy"' in client.get(f"/alerts/rules/{row.pk}/").content.decode()
        client.post(f"/alerts/rules/{row.pk}/", {**RULE, "threshold": "70", "act": "save"})
        row.refresh_from_db()
        assert (row.threshold, row.mode) == (70.0, "on")

    @pytest.mark.parametrize(
        "changes",
        [
            {"name": "busy"},
            {"metric": "nothing"},
            {"threshold": "nan"},
            {"threshold": "much"},
            {"for_seconds": "-1"},
            {"severity": "awful"},
        ],
    )
    def test_what_is_wrong_saves_nothing(self, changes: dict[str, str]) -> None:
        client = client_of()
        client.post("/alerts/rules/", {**RULE, "act": "save"})
        other = {**RULE, "name": "Other", **changes, "act": "save"}
        answer = client.post("/alerts/rules/", other)
        assert answer.status_code == 422
        assert "Nothing was saved." in shown(answer)
        assert AlertRule.objects.count() == 1

    def test_a_rule_fires_on_its_last_minute(self) -> None:
        from monitoring.alerts.rule_rows import own

        client_of().post("/alerts/rules/", {**RULE, "threshold": "90", "act": "save"})
        now = timezone.now()
        (unknown,) = own(now)
        assert unknown.rules == (AlertRule.objects.get().rule,)  # type: ignore[union-attr]
        make_samples(now, 12, cpu_percent=95.0)
        (found,) = own(now)
        assert found.sentence == (  # type: ignore[union-attr]
            "CPU in use was 95 % in the last minute; it should not be above 90 %."
        )
        assert found.is_dry  # type: ignore[union-attr]
        AlertRule.objects.update(comparison="below", mode="on")
        assert list(own(now)) == []


class TestDeadLetters:
    def test_they_are_sent_again_or_put_aside(self, fired: Alert) -> None:
        now = timezone.now()
        Notification.objects.filter(channel="slack").update(state="dead", ended_at=now)
        client = client_of()
        assert "There are dead letters for slack" in shown(client.get("/alerts/"))
        asked = {"channel": "slack", "act": "aside"}
        assert "1 message put aside." in shown(
            client.post("/alerts/dead-letters/", asked, follow=True)
        )
        assert "There are dead letters" not in shown(client.get("/alerts/"))
        asked = {"channel": "slack", "act": "again"}
        assert "1 message is sent again." in shown(
            client.post("/alerts/dead-letters/", asked, follow=True)
        )
        asked = {"channel": "slack", "act": "nothing"}
        assert "Nothing was changed" in shown(
            client.post("/alerts/dead-letters/", asked, follow=True)
        )


def test_an_alert_says_what_to_do_before_its_facts(fired: Alert) -> None:
    text = shown(client_of().get(f"/alerts/{fired.pk}/"))
    assert "firing since" in text
    assert text.index("Add space.") < text.index("Facts")


@pytest.mark.parametrize(
    ("metric", "title"),
    [
        ("cpu_percent", "CPU in use above 64 % for"),
        ("message_ms:treatment", ", treatment above 64 ms for"),
        ("gone", "gone above 64 for"),
    ],
)
def test_a_rule_is_told_by_the_name_of_its_metric(metric: str, title: str) -> None:
    values: dict[str, Any] = {**RULE, "metric": metric, "back_test_count": 0, "back_test_days": 1}
    AlertRule.objects.create(**values, changed_at=timezone.now())
    assert title in shown(client_of().get("/alerts/rules/"))


def test_the_list_is_given_as_a_file_as_it_is_narrowed(fired: Alert) -> None:
    client = client_of(VIEWER)
    answer = client.get("/alerts/?severity=high&format=csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    head, line = csv.reader(io.StringIO(answer.content.decode()))
    told = dict(zip(head, line, strict=True))
    assert told["title"] == "disk is wrong"
    assert told["fired_utc"].endswith("Z")
    assert told["key"] == fired.pk
    assert len(client.get("/alerts/?severity=low&format=csv").content.splitlines()) == 1


def test_open_alerts_are_listed_the_worst_first_or_the_newest() -> None:
    now = timezone.now()
    old = condition("queue_age", Severity.CRITICAL)
    look_at(now - timedelta(seconds=90), old)
    look_at(now - timedelta(seconds=60), old, DISK)
    look_at(now - timedelta(seconds=20), old, DISK)
    client = client_of()
    for query, first in (("", "queue_age"), ("?order=newest", "disk"), ("?order=x", "queue_age")):
        page = client.get(f"/alerts/{query}")
        assert page.context["rows"][0].alert.rule == first
    assert "order=newest" in client.get("/alerts/?order=newest").context["tabs"][1].address
