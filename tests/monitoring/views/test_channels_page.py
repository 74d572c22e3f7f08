"""The page of channels: what it shows of each, previews, tests by the outbox, dead letters."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.current import forget
from config.models import AuditEvent
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from monitoring.alerts.backlog import put_together
from monitoring.alerts.built_in import deliveries
from monitoring.alerts.delivery import deliver
from monitoring.alerts.live import newest
from monitoring.alerts.message import Severity
from monitoring.alerts.models import Alert, AlertStep, Notification
from monitoring.alerts.plan_in_force import plan_in_force
from monitoring.alerts.store import load
from tests.factories import make_user
from tests.monitoring.alerts.effects import look_at
from tests.monitoring.alerts.world import condition
from tests.monitoring.channels.receivers import Receiver, answers, http_receiver

pytestmark = pytest.mark.django_db
PAGE = "/alerts/channels/"
CHANNELS = ("email", "slack", "log", "webhook", "apprise")
SECRET = "planted-secret-5f1c"
HOOK = "https://hooks.example.org/services/hidden-7a"
FIXED = (PAGE, f"{PAGE}data/")
TRIED = tuple(f"{PAGE}{name}/preview/" for name in CHANNELS)
DISK = condition("disk", title="<b>disk</b> is wrong", actions=("Add space.",))


def client_of(role: str = OPERATOR) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


def shown(response: Any) -> str:
    """Return what a person reads of a page, with single spaces."""
    text = re.sub(r"<(script|svg)\b.*?</\1>|<[^>]*>", " ", response.content.decode(), flags=re.S)
    return " ".join(html.unescape(text).split())


def raw(response: Any) -> str:
    text: str = response.content.decode()
    return text


def panel_of(channel: str, client: Client | None = None) -> str:
    """Return what a person reads of one channel."""
    parts = (client or client_of()).get(f"{PAGE}data/").json()["parts"]
    text = parts[f"channel_facts_{channel}"] + parts[f"channel_test_{channel}"]
    return " ".join(html.unescape(re.sub(r"<svg\b.*?</svg>|<[^>]*>", " ", text)).split())


def fire() -> Alert:
    """Have one alert fire that is in messages for the channels that are on."""
    now = timezone.now()
    look_at(now - timedelta(seconds=60), DISK)
    look_at(now - timedelta(seconds=20), DISK)
    return Alert.objects.get()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Have the webhook switched on, and lead to a server on this machine."""
    monkeypatch.setenv("PKTMASK_PLANTED", SECRET)
    forget()
    with http_receiver() as running:
        given = {
            "ENABLED": "true",
            "ADDRESS": f"{running.url}/hook",
            "SIGNING_SECRET": "env:PKTMASK_PLANTED",
            "ALLOW_PRIVATE": "true",
            "ALLOW_HTTP": "true",
        }
        for name, value in given.items():
            monkeypatch.setenv(f"PKTMASK_WEBHOOK__{name}", value)
        yield running


class TestWhoMay:
    @pytest.mark.parametrize("address", [*FIXED, *TRIED, f"{PAGE}email/preview/mail/"])
    def test_without_a_login_one_is_asked_for(self, client: Client, address: str) -> None:
        assert client.get(address)["Location"].startswith("/sign-in/")

    @pytest.mark.parametrize("role", [VIEWER, OPERATOR, APPROVER, ADMINISTRATOR])
    def test_every_role_may_look(self, role: str) -> None:
        for address in FIXED:
            assert client_of(role).get(address).status_code == 200

    def test_nobody_else_may(self) -> None:
        client = Client()
        client.force_login(User.objects.create_user("somebody"))
        assert [client.get(address).status_code for address in FIXED] == [403, 403]

    @pytest.mark.parametrize("role", [VIEWER, APPROVER])
    def test_only_operators_and_administrators_try_channels(self, role: str) -> None:
        client = client_of(role)
        for address in (*TRIED, f"{PAGE}email/preview/mail/"):
            assert client.get(address).status_code == 403
        assert client.post(f"{PAGE}log/test/").status_code == 403
        assert not Notification.objects.exists()
        text = shown(client.get(PAGE))
        assert "Send a test" not in text
        assert "Operators and administrators can preview and test channels." in text

    @pytest.mark.parametrize("role", [OPERATOR, ADMINISTRATOR])
    def test_those_see_the_buttons(self, role: str) -> None:
        text = client_of(role).get(PAGE).content.decode()
        assert text.count("Send a test</button>") == len(CHANNELS)

    def test_a_viewer_sends_no_dead_letter_again(self) -> None:
        answer = client_of(VIEWER).post(f"{PAGE}log/dead-letters/", {"act": "again"})
        assert answer.status_code == 403

    @pytest.mark.parametrize("address", [PAGE, *TRIED])
    def test_pages_keep_to_the_strict_policy(self, address: str) -> None:
        fire()
        text = client_of().get(address).content.decode()
        assert "<style" not in text
        assert not re.search(r'\sstyle="|\son\w+="', text)

    def test_a_channel_that_is_not_there_is_not_found(self) -> None:
        client = client_of()
        assert client.get(f"{PAGE}pager/preview/").status_code == 404
        assert client.get(f"{PAGE}pager/preview/mail/").status_code == 404
        assert client.post(f"{PAGE}pager/test/").status_code == 404
        assert client.post(f"{PAGE}pager/dead-letters/").status_code == 404

    def test_looking_sends_nothing(self) -> None:
        client = client_of()
        assert client.get(f"{PAGE}log/test/").status_code == 405
        for address in (*FIXED, *TRIED):
            client.get(address)
        assert not Notification.objects.exists()


class TestPage:
    def test_it_is_linked_from_the_page_of_alerts(self) -> None:
        assert f'href="{PAGE}"' in client_of().get("/alerts/").content.decode()

    def test_a_fresh_system_has_the_log_on_and_says_what_others_lack(self) -> None:
        client = client_of()
        assert panel_of("log", client).startswith("On Routes Critical, High, Medium, Low")
        assert "Test: none yet" in panel_of("log", client)
        text = panel_of("email", client)
        assert text.startswith("Off email.receivers : It names nobody;")
        assert "Switched on by email.enabled" in text
        assert "console.public_url is not set" in shown(client.get(PAGE))

    def test_one_that_is_on_and_lacks_a_secret_names_the_reference_only(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert panel_of("webhook").startswith("On ")
        monkeypatch.delenv("PKTMASK_PLANTED")
        text = panel_of("webhook")
        assert text.startswith("Needs a setting webhook.signing_secret :")
        assert "PKTMASK_PLANTED" in text

    def test_it_shows_which_routes_and_levels_lead_there(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = {
            "ALERT_ROUTES__RULE_CHANNELS": "own_*: apprise",
            "ALERT_ROUTES__CRITICAL_CHANNELS": "log",
            "ESCALATION__LEVEL_2_CHANNELS": "slack",
        }
        for name, value in given.items():
            monkeypatch.setenv(f"PKTMASK_{name}", value)
        client = client_of()
        assert "Routes of no severity; rules own_*" in panel_of("apprise", client)
        assert "Level 2 Critical after 10 min" in panel_of("slack", client)
        assert "reminders of silences" in panel_of("email", client)
        monkeypatch.setenv("PKTMASK_ALERT_ROUTES__RULE_CHANNELS", "")
        forget()
        assert "None: nothing leads here." in panel_of("apprise", client)

    def test_it_shows_messages_latency_and_the_last_error_of_a_day(
        self, receiver: Receiver
    ) -> None:
        fire()
        receiver.acts[:] = [answers(503), answers(200)]
        deliver("webhook", "me")
        text = panel_of("webhook")
        assert text.startswith("Failing ")
        assert "0 sent, 0 failed, 0 suppressed, 1 waiting; 1 was refused" in text
        assert re.search(r"Last error \d+ \w+ [\d:]+ : The receiver answered HTTP 503", text)
        Notification.objects.filter(channel="webhook").update(next_at=timezone.now())
        deliver("webhook", "me")
        text = panel_of("webhook")
        assert text.startswith("On ")
        assert "1 sent, 0 failed" in text
        assert "HTTP 503" in text
        assert "Until sent median" in text

    def test_an_open_page_gets_the_same_parts_anew(self) -> None:
        client = client_of()
        page = client.get(PAGE).content.decode()
        parts = client.get(f"{PAGE}data/").json()["parts"]
        assert set(re.findall(r'data-part="(\w+)"', page)) == set(parts)
        assert len(parts) == 2 * len(CHANNELS)

    def test_queries_do_not_grow_with_messages_tests_and_dead_letters(
        self, receiver: Receiver
    ) -> None:
        client = client_of(ADMINISTRATOR)
        fire()
        Notification.objects.update(state="dead", ended_at=timezone.now(), error="No.")
        client.post(f"{PAGE}webhook/test/")
        client.get(PAGE)
        with CaptureQueriesContext(connection) as of_few:
            client.get(PAGE)
        row = Notification.objects.filter(channel="webhook", state="dead").get()
        for number in range(60):
            row.pk = f"copy-{number}"
            row.save(force_insert=True)
        with CaptureQueriesContext(connection) as of_many:
            text = shown(client.get(PAGE))
        assert len(of_many) == len(of_few) < 40
        assert "56 more are only counted here." in text

    def test_no_secret_is_in_any_page(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PKTMASK_HOOK", HOOK)
        monkeypatch.setenv("PKTMASK_SERVICE", f"json://localhost/{SECRET}")
        given = {
            "SLACK__ENABLED": "true",
            "SLACK__WEBHOOK": "env:PKTMASK_HOOK",
            "APPRISE__ENABLED": "true",
            "APPRISE__ADDRESSES": "env:PKTMASK_SERVICE",
            "EMAIL__ENABLED": "true",
            "EMAIL__RECEIVERS": "one@example.org",
            "EMAIL__USER": "one",
            "EMAIL__PASSWORD": "env:PKTMASK_PLANTED",
        }
        for name, value in given.items():
            monkeypatch.setenv(f"PKTMASK_{name}", value)
        receiver.acts[:] = [answers(403, SECRET.encode(), X_Token=SECRET)]
        fire()
        client = client_of(ADMINISTRATOR)
        client.post(f"{PAGE}webhook/test/")
        deliver("webhook", "me")
        for address in (*FIXED, *TRIED, f"{PAGE}email/preview/mail/", "/alerts/"):
            text = client.get(address).content.decode()
            assert SECRET not in text
            assert "hidden-7a" not in text
        kept = json.dumps(list(AuditEvent.objects.values_list("details", flat=True)))
        assert SECRET not in kept


class TestPreview:
    def test_the_sample_says_that_it_is_one_on_every_channel(self) -> None:
        client = client_of()
        for address in TRIED:
            text = shown(client.get(address))
            assert "Sample: the disk is nearly full" in text
            assert "No alert fires now, so there is only the sample." in text

    def test_an_alert_that_fires_can_be_chosen_and_its_words_stay_words(self) -> None:
        alert = fire()
        client = client_of()
        for name in CHANNELS:
            page = client.get(f"{PAGE}{name}/preview/", {"alert": alert.pk}).content.decode()
            assert f'value="{alert.pk}" selected' in page
            assert "Add space." in page or name in ("log", "webhook")
            assert "<b>disk" not in page
        body = client.get(f"{PAGE}email/preview/mail/", {"alert": alert.pk}).content.decode()
        assert "&lt;b&gt;disk&lt;/b&gt; is wrong" in body

    def test_json_is_what_would_be_sent(self) -> None:
        client = client_of()
        texts = {
            name: re.search(
                r"<pre[^>]*>(\{.*?)</pre>",
                client.get(f"{PAGE}{name}/preview/").content.decode(),
                re.S,
            )
            for name in ("slack", "webhook", "log")
        }
        read = {name: json.loads(html.unescape(found[1])) for name, found in texts.items() if found}
        assert read["slack"]["blocks"][0]["type"] == "header"
        assert (read["webhook"]["version"], read["webhook"]["kind"]) == (1, "firing")
        assert read["log"]["event.kind"] == "alert"

    def test_one_that_fires_no_more_is_not_found(self) -> None:
        alert = fire()
        Alert.objects.update(state="resolved")
        for address in ("preview/", "preview/mail/"):
            answer = client_of().get(f"{PAGE}email/{address}", {"alert": alert.pk})
            assert answer.status_code == 404

    def test_the_mail_comes_in_a_sandbox_that_loads_runs_and_sends_nothing(self) -> None:
        answer = client_of().get(f"{PAGE}email/preview/mail/")
        policy = {
            words[0]: words[1:]
            for words in (part.split() for part in answer["Content-Security-Policy"].split(";"))
        }
        assert policy == {
            "default-src": ["'none'"],
            "style-src": ["'unsafe-inline'"],
            "img-src": ["data:"],
            "form-action": ["'none'"],
            "base-uri": ["'none'"],
            "frame-ancestors": ["'self'"],
            "sandbox": [],
        }
        assert answer["X-Frame-Options"] == "SAMEORIGIN"
        assert answer["X-Content-Type-Options"] == "nosniff"
        text = answer.content.decode()
        assert '<img src="data:image/png;base64,' in text
        assert not re.search(r"<script|\son\w+=|url\(|<link|<form", text)

    def test_only_the_page_with_the_frame_may_frame_and_only_its_own(self) -> None:
        client = client_of()
        page = client.get(f"{PAGE}email/preview/")
        assert "frame-src 'self'" in page["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
        assert re.search(
            r'<iframe[^>]* sandbox src="/alerts/channels/email/preview/mail/', raw(page)
        )
        assert "frame-src" not in client.get(PAGE)["Content-Security-Policy"]
        assert "<iframe" not in raw(client.get(f"{PAGE}slack/preview/"))
        assert client.get(f"{PAGE}slack/preview/mail/").status_code == 404

    def test_its_link_to_acknowledge_acknowledges_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PKTMASK_CONSOLE__PUBLIC_URL", "https://pktmask.example.org")
        alert = fire()
        client = client_of()
        text = client.get(f"{PAGE}email/preview/mail/", {"alert": alert.pk}).content.decode()
        links = set(
            re.findall(r'href="https://pktmask.example.org(/alerts/acknowledge/[^"]*)"', text)
        )
        assert links == {"/alerts/acknowledge/preview/"}
        assert Client().post(links.pop(), {}).status_code == 410
        alert.refresh_from_db()
        assert alert.acknowledged_at is None


class TestTesting:
    def test_a_test_goes_through_the_outbox_to_the_receiver_and_the_page_says_so(
        self, receiver: Receiver
    ) -> None:
        client = client_of()
        text = shown(client.post(f"{PAGE}webhook/test/", follow=True))
        assert "A test for Webhook is on its way" in text
        assert receiver.got == []  # a request of the web waits for no receiver
        assert "Test: Pending since" in panel_of("webhook", client)
        row = Notification.objects.get()
        assert deliver("webhook", "monitor") == 1
        (got,) = receiver.got
        assert (got.json()["kind"], got.json()["key"]) == ("test", row.pk)
        assert got.headers["Idempotency-Key"] == row.pk
        text = panel_of("webhook", client)
        assert re.search(r"Test: Sent .* took [\d.,]+ ms\. The receiver took it \(HTTP 200", text)
        event = AuditEvent.objects.get(action="channel_tested")
        assert (event.details["channel"], event.target_id) == ("webhook", row.pk)

    @pytest.mark.parametrize("status", [404, 503])
    def test_one_that_fails_is_tried_once_and_alarms_nobody(
        self, receiver: Receiver, status: int
    ) -> None:
        receiver.acts[:] = [answers(status)]
        client = client_of()
        client.post(f"{PAGE}webhook/test/")
        deliver("webhook", "monitor")
        deliver("webhook", "monitor")
        assert len(receiver.got) == 1
        text = panel_of("webhook", client)
        assert f"The receiver answered HTTP {status}" in text
        assert "Test: Failed" in text
        assert "Dead letters 0" in text
        assert list(deliveries(timezone.now())) == []
        assert "dead letters for webhook" not in shown(client.get("/alerts/"))

    def test_a_second_one_waits_for_the_first(self, receiver: Receiver) -> None:
        client = client_of()
        client.post(f"{PAGE}webhook/test/")
        text = shown(client.post(f"{PAGE}webhook/test/", follow=True))
        assert "A test of webhook waits already." in text
        assert Notification.objects.count() == 1
        deliver("webhook", "monitor")
        client.post(f"{PAGE}webhook/test/")
        assert len(set(Notification.objects.values_list("pk", flat=True))) == 2

    def test_a_channel_that_is_off_is_not_tested(self) -> None:
        text = shown(client_of().post(f"{PAGE}slack/test/", follow=True))
        assert "slack is not switched on, so nothing was sent. Set slack.enabled." in text
        assert not Notification.objects.exists()
        assert not AuditEvent.objects.filter(action="channel_tested").exists()

    def test_one_whose_channel_is_switched_off_meanwhile_says_so(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = client_of()
        client.post(f"{PAGE}webhook/test/")
        monkeypatch.setenv("PKTMASK_WEBHOOK__ENABLED", "false")
        forget()
        deliver("webhook", "monitor")
        assert "Not sent The channel was switched off meanwhile." in panel_of("webhook", client)

    def test_one_that_nobody_sends_leads_to_the_health_of_the_service(
        self, receiver: Receiver
    ) -> None:
        client = client_of()
        client.post(f"{PAGE}webhook/test/")
        assert "Nobody has sent it so far" not in panel_of("webhook", client)
        Notification.objects.update(at=timezone.now() - timedelta(seconds=21))
        assert "Nobody has sent it so far" in panel_of("webhook", client)

    def test_it_takes_nothing_from_the_messages_of_an_hour_and_is_in_no_digest(
        self, receiver: Receiver
    ) -> None:
        client_of().post(f"{PAGE}webhook/test/")
        now = timezone.now()
        assert load(plan_in_force(frozenset({"webhook"})), now).sent == ()
        row = Notification.objects.get()
        row.at = now - timedelta(minutes=5)
        row.save()
        for number in range(2):
            row.pk, row.kind, row.severity = f"late-{number}", "firing", Severity.HIGH
            row.save(force_insert=True)
        digest = put_together("webhook", now)
        assert digest is not None
        assert digest.digested.count() == 2
        assert Notification.objects.get(kind="test").state == "pending"

    def test_open_pages_hear_of_it_when_it_is_made_and_when_it_ends(
        self, receiver: Receiver
    ) -> None:
        assert newest() is None
        client_of().post(f"{PAGE}webhook/test/")
        made = newest()
        deliver("webhook", "monitor")
        assert made is not None
        assert made != newest()


class TestDeadLetters:
    @pytest.fixture
    def letter(self, receiver: Receiver) -> Notification:
        """A message about an alert that the webhook has refused for good."""
        receiver.acts[:] = [answers(404), answers(200)]
        fire()
        deliver("webhook", "me")
        return Notification.objects.get(channel="webhook", state="dead")

    def test_one_is_sent_again_with_the_same_key(
        self, receiver: Receiver, letter: Notification
    ) -> None:
        client = client_of()
        assert "Dead letters 1" in panel_of("webhook", client)
        facts = client.get(f"{PAGE}data/").json()["parts"]["channel_facts_webhook"]
        assert 'class="notice fail"' in facts
        address = f"{PAGE}webhook/dead-letters/"
        text = shown(client.post(address, {"act": "again", "key": letter.pk}, follow=True))
        assert "1 message is sent again." in text
        deliver("webhook", "me")
        first, second = receiver.got
        assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == letter.pk
        letter.refresh_from_db()
        assert letter.state == "sent"
        assert "Dead letters 0" in panel_of("webhook", client)
        (step,) = AlertStep.objects.filter(stage="person")
        assert step.details["channel"] == "webhook"
        alert = Alert.objects.get()
        assert "has the message for webhook sent again." in shown(
            client.get(f"/alerts/{alert.pk}/")
        )
        event = AuditEvent.objects.get(action="dead_letters")
        assert (event.details["act"], event.details["count"]) == ("sent_again", 1)

    def test_one_is_put_aside_and_told_of_no_more(self, letter: Notification) -> None:
        client = client_of()
        address = f"{PAGE}webhook/dead-letters/"
        text = shown(client.post(address, {"act": "aside", "key": letter.pk}, follow=True))
        assert "1 message put aside." in text
        assert ", put aside: The receiver answered HTTP 404" in panel_of("webhook", client)
        facts = client.get(f"{PAGE}data/").json()["parts"]["channel_facts_webhook"]
        assert 'class="notice unknown"' in facts
        assert list(deliveries(timezone.now())) == []
        text = shown(client.post(address, {"act": "aside"}, follow=True))
        assert "there is no such dead letter" in text

    @pytest.mark.parametrize("asked", [{"act": "again", "key": "nothing"}, {"act": "x"}, {}])
    def test_what_is_not_there_changes_nothing(
        self, letter: Notification, asked: dict[str, str]
    ) -> None:
        text = shown(client_of().post(f"{PAGE}webhook/dead-letters/", asked, follow=True))
        assert "Nothing was changed: there is no such dead letter." in text
        letter.refresh_from_db()
        assert letter.state == "dead"
        assert not AuditEvent.objects.filter(action="dead_letters").exists()

    def test_all_of_one_channel_are_sent_again_and_those_of_others_are_not(
        self, letter: Notification
    ) -> None:
        Notification.objects.filter(channel="log").update(state="dead", ended_at=timezone.now())
        client_of().post(f"{PAGE}webhook/dead-letters/", {"act": "again"})
        states = dict(Notification.objects.values_list("channel", "state"))
        assert states == {"webhook": "pending", "log": "dead"}
