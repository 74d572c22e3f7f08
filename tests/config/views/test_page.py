"""The page Configuration: who sees it, what it shows, validating and applying."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from config.choices import VersionKind
from config.layers import Given, Layer
from config.models import Adoption, AuditEvent, ConfigVersion, FilesLook
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, ROLES, VIEWER
from config.versions import effective, newest_version, publish
from tests.factories import make_user

pytestmark = pytest.mark.django_db
PAGE = reverse("config:configuration")
PROCESSES = reverse("config:processes")
DAYS = "trimming.keep_originals_days"
# session, user, their permissions (own and by group), the newest version, the processes, the files,
# three for the strip, one for the rollout, one for the role
PAGE_QUERIES = 13


@pytest.fixture
def administrator() -> User:
    return make_user(ADMINISTRATOR)


@pytest.fixture
def client(client: Client, administrator: User) -> Client:
    client.force_login(administrator)
    return client


def words(response: Any) -> str:
    """Return what a person reads, with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def row_of(response: Any, name: str) -> str:
    """Return the part of the page that is about one setting."""
    page = html.unescape(response.content.decode())
    found = re.search(rf'<tr(?:(?!<tr).)*?id="s-{re.escape(name)}".*?</tr>', page, re.S)
    assert found is not None
    return found[0].replace("<wbr>", "")


def given(text: object) -> Layer:
    return {"trimming": {"keep_originals_days": Given(text, "version 1 by somebody")}}


def published(console: Layer | None = None, files: Layer | None = None) -> ConfigVersion:
    """Publish one more version, as somebody else."""
    return publish(
        newest_version(), kind=VersionKind.CONSOLE, reason="other", console=console, files=files
    )


def ask(client: Client, do: str, base: int | None = None, **values: str) -> Any:
    """Send the form as the page shows it, with some inputs changed ("__" stands for a point)."""
    number = ConfigVersion.objects.count() if base is None else base
    data = {"base": str(number), "do": do, "reason": "because"}
    return client.post(PAGE, data | {key.replace("__", "."): text for key, text in values.items()})


def days() -> float:
    found = effective(newest_version()).value("trimming", "keep_originals_days")
    assert isinstance(found, int | float)
    return found


def state() -> tuple[int, int, int]:
    audited = AuditEvent.objects.filter(action="configuration_changed").count()
    return ConfigVersion.objects.count(), audited, int(days())


@pytest.fixture
def nothing_changes() -> Any:
    """Hold that a test leaves versions, audit log and values alone; call it after preparing."""
    kept: list[Any] = []

    def begin() -> None:
        kept.append(state())

    yield begin
    assert kept[-1] == state()


class TestInChinese:
    @pytest.fixture
    def client(self, client: Client) -> Client:
        client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-CN"
        return client

    def test_each_setting_says_what_it_is_for_and_what_it_accepts(self, client: Client) -> None:
        published(console=given(3))
        response = client.get(PAGE)
        assert "如何接收、处理和保留抓包文件。" in words(response)
        row = row_of(response, DAYS)
        assert "上传的抓包文件在此时间后删除，结果保留；0 表示不删除" in row
        assert "数值（0 到 36,500）" in row
        assert "版本 1，由 somebody 更改" in row
        # values to choose from stay what is typed in files
        assert "以下之一：all, none, originals, outputs" in row_of(
            response, "recovery.backup_files"
        )

    def test_what_is_not_accepted_says_what_is(self, client: Client) -> None:
        row = row_of(ask(client, "validate", trimming__keep_originals_days="x"), DAYS)
        assert "'x' 不被接受；应为数值（0 到 36,500）。" in row

    def test_a_broken_rule_gives_its_reason(self, client: Client) -> None:
        row = row_of(ask(client, "validate", trimming__beat_seconds="40"), "trimming.beat_seconds")
        assert "必须小于 trimming.lease_seconds，后者为 30（默认值）：租约必须在到期前续期。" in row

    def test_what_is_wrong_with_files_is_said_behind_its_place(self, client: Client) -> None:
        published(console=given(3))
        problem = "a.yaml, line 3: there is no section 'trimmin'. Did you mean trimming?\nnews: bad"
        FilesLook.objects.create(environment="local", at=timezone.now(), problem=problem)
        text = words(client.get(PAGE))
        assert "a.yaml 第 3 行：没有配置节 'trimmin'。是否指 trimming？" in text
        assert "news：bad" in text


class TestWhoMay:
    @pytest.mark.parametrize("role", ROLES)
    def test_every_role_may_look(self, role: str) -> None:
        client = Client()
        client.force_login(make_user(role))
        for address in (PAGE, PROCESSES, reverse("config:versions")):
            assert client.get(address).status_code == 200

    @pytest.mark.parametrize("role", [VIEWER, OPERATOR, APPROVER])
    @pytest.mark.parametrize("do", ["validate", "apply"])
    def test_only_administrators_change_anything(
        self, role: str, do: str, nothing_changes: Callable[[], None]
    ) -> None:
        client = Client()
        client.force_login(make_user(role))
        nothing_changes()
        assert ask(client, do, trimming__keep_originals_days="3").status_code == 403

    def test_who_may_only_look_gets_no_form(self) -> None:
        client = Client()
        client.force_login(make_user(VIEWER))
        page = client.get(PAGE).content.decode()
        assert "keep_originals_days" in page
        assert 'name="reason"' not in page
        assert f'name="{DAYS}"' not in page

    def test_an_account_without_a_role_sees_nothing_and_is_offered_nothing(self) -> None:
        client = Client()
        client.force_login(User.objects.create_user("nobody"))
        assert client.get(PAGE).status_code == 403
        assert client.get(PROCESSES).status_code == 403

    def test_nobody_gets_anything_without_a_login_or_a_token(
        self, administrator: User, nothing_changes: Callable[[], None]
    ) -> None:
        nothing_changes()
        assert Client().get(PAGE).status_code == 302
        assert Client().post(PAGE, {"base": 0, "do": "apply", DAYS: "3"}).status_code == 302
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(administrator)
        assert ask(strict, "apply", trimming__keep_originals_days="3").status_code == 403

    def test_the_side_leads_to_the_page_for_whoever_may_see_it(self, client: Client) -> None:
        captures = reverse("trimming:captures")
        assert f'href="{PAGE}"' in client.get(captures).content.decode()
        nobody = Client()
        nobody.force_login(User.objects.create_user("nobody"))
        assert f'href="{PAGE}"' not in nobody.get(captures).content.decode()


class TestWhatIsShown:
    def test_before_the_first_version_defaults_are_in_force(self, client: Client) -> None:
        response = client.get(PAGE)
        assert "No version yet" in words(response)
        assert ">default<" in row_of(response, DAYS)

    def test_who_made_the_version_in_force_and_why_stands_first(
        self, client: Client, administrator: User
    ) -> None:
        ask(client, "apply", trimming__keep_originals_days="3")
        text = words(client.get(PAGE))
        assert "Version 1 is in force" in text
        assert f"by {administrator.username}" in text
        assert "Why because" in text

    def test_each_value_comes_with_its_layer_and_place(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PKTMASK_TRIMMING__MAX_ATTEMPTS", "5")
        file = {"trimming": {"resend_seconds": Given(10, "dual_strategy_deployment.yaml, line 7")}}
        published(files=file, console=given(3))
        response = client.get(PAGE)
        for name, value, layer, place in (
            ("trimming.max_attempts", "5", "environment", "PKTMASK_TRIMMING__MAX_ATTEMPTS"),
            ("trimming.resend_seconds", "10", "file", "dual_strategy_deployment.yaml, line 7"),
            (DAYS, "3", "console", "version 1 by somebody"),
        ):
            row = row_of(response, name)
            assert f'value="{value}"' in row
            assert f">{layer}<" in row
            assert place in row

    def test_only_what_the_console_gives_can_be_given_back(self, client: Client) -> None:
        published(console=given(3))
        response = client.get(PAGE)
        assert "reset:trimming.keep_originals_days" in row_of(response, DAYS)
        assert "leave the default: 7" in " ".join(
            re.sub(r"<[^>]*>", "", row_of(response, DAYS)).split()
        )
        assert "reset:" not in row_of(response, "trimming.max_attempts")

    def test_files_that_are_not_valid_are_said_with_what_stays_in_force(
        self, client: Client
    ) -> None:
        published(console=given(3))
        line = "dual_strategy_deployment.yaml, line 3: trimming.strategy is 'x'; expected <one>."
        FilesLook.objects.create(environment="local", at=timezone.now(), problem=line)
        FilesLook.objects.create(environment="other", at=timezone.now(), problem="not ours")
        text = words(client.get(PAGE))
        assert line in text
        assert "Version 1 stays in force" in text
        assert "not ours" not in text

    def test_files_that_are_valid_again_are_not_spoken_of(self, client: Client) -> None:
        FilesLook.objects.create(environment="local", at=timezone.now(), problem="")
        assert "not in force" not in words(client.get(PAGE))

    def test_a_version_that_does_not_fit_this_process_is_said(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        published(console={"trimming": {"beat_seconds": Given(20, "version 1 by somebody")}})
        monkeypatch.setenv("PKTMASK_TRIMMING__LEASE_SECONDS", "10")
        text = words(client.get(PAGE))
        assert "Version 1 does not fit the environment of this process" in text
        assert "trimming.beat_seconds is 20" in text
        assert ask(client, "apply", trimming__beat_seconds="2").status_code == 302
        assert "does not fit" not in words(client.get(PAGE))

    def test_the_page_takes_the_same_queries_whatever_it_shows(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(PAGE_QUERIES):
            client.get(PAGE)
        for number in range(1, 20):
            published(console=given(number))
            Adoption.objects.create(process=f"h/{number}", kind="w", version=1, at=timezone.now())
        with django_assert_num_queries(PAGE_QUERIES):
            client.get(PAGE)

    def test_nothing_is_inline_and_names_stay_text(self, client: Client) -> None:
        publish(None, kind=VersionKind.CONSOLE, reason="<script>alert(1)</script>")
        FilesLook.objects.create(environment="local", at=timezone.now(), problem="<b>x</b>")
        for response in (client.get(PAGE), ask(client, "validate", trimming__strategy="<b>y</b>")):
            page = response.content.decode()
            assert not re.search(r"<script(?![^>]*\ssrc=)", page)
            assert " style=" not in page
            assert "<b>x</b>" not in page
            assert "<b>y</b>" not in page


class TestProcesses:
    def sign(self, name: str, version: int, problem: str = "") -> None:
        Adoption.objects.create(
            process=name, kind="web", version=version, at=timezone.now(), problem=problem
        )

    def test_the_count_goes_on_until_every_process_has_the_version(self, client: Client) -> None:
        published(console=given(3))
        self.sign("a/1", 1)
        self.sign("b/2", 0)
        response = client.get(PROCESSES)
        assert "In force in 1 of 2 processes" in words(response)
        assert 'data-settled="no"' in response.content.decode()
        Adoption.objects.filter(pk="b/2").update(version=1)
        response = client.get(PROCESSES)
        assert "In force in 2 of 2 processes" in words(response)
        assert 'data-settled="yes"' in response.content.decode()

    def test_a_process_with_a_problem_is_named(self, client: Client) -> None:
        published(console=given(3))
        self.sign("a/1", 0, "does not fit the environment of this process")
        text = words(client.get(PAGE))
        assert "In force in 0 of 1 process" in text
        assert "does not fit the environment of this process" in text

    def test_only_reading_is_answered(self, client: Client) -> None:
        assert client.post(PROCESSES).status_code == 405


class TestValidate:
    def test_what_would_change_is_shown_and_nothing_is_changed(
        self, client: Client, nothing_changes: Callable[[], None]
    ) -> None:
        nothing_changes()
        response = ask(client, "validate", trimming__keep_originals_days="3")
        assert "trimming.keep_originals_days 7 3 console version 1 by" in words(response)
        assert 'value="3"' in row_of(response, DAYS)
        assert 'value="because"' in response.content.decode()

    def test_no_reason_is_needed(self, client: Client) -> None:
        data = {"base": 0, "do": "validate", "reason": "", DAYS: "3"}
        assert "What would change" in words(client.post(PAGE, data))

    @pytest.mark.parametrize(
        "text",
        ["", "three", "-1", "99999", "0,5", "1e999", "nan", "x" * 501, "9" * 500, "٣"],
    )
    @pytest.mark.parametrize("do", ["validate", "apply"])
    def test_what_is_not_accepted_is_said_beside_its_field_and_the_input_is_kept(
        self, client: Client, do: str, text: str, nothing_changes: Callable[[], None]
    ) -> None:
        nothing_changes()
        response = ask(client, do, trimming__keep_originals_days=text)
        assert response.status_code == 200
        assert "Nothing was changed" in words(response)
        row = row_of(response, DAYS)
        assert 'aria-invalid="true"' in row
        assert f'value="{text}"' in row
        assert 'href="#s-trimming.keep_originals_days"' in response.content.decode()

    @pytest.mark.parametrize("do", ["validate", "apply"])
    def test_a_rule_that_would_be_broken_stands_beside_both_of_its_settings(
        self, client: Client, do: str, nothing_changes: Callable[[], None]
    ) -> None:
        nothing_changes()
        response = ask(client, do, trimming__beat_seconds="40")
        sentence = "trimming.beat_seconds is 40"
        assert sentence in row_of(response, "trimming.beat_seconds")
        assert sentence in row_of(response, "trimming.lease_seconds")
        assert 'value="40"' in row_of(response, "trimming.beat_seconds")

    @pytest.mark.parametrize("do", ["validate", "apply"])
    def test_input_that_is_in_force_already_changes_nothing(
        self, client: Client, do: str, nothing_changes: Callable[[], None]
    ) -> None:
        nothing_changes()
        response = ask(client, do, trimming__keep_originals_days="7.0")
        assert "Nothing differs from what is in force" in words(response)

    def test_what_names_no_setting_is_ignored(
        self, client: Client, nothing_changes: Callable[[], None]
    ) -> None:
        nothing_changes()
        ask(client, "apply", trimming__color="red", kitchen__chairs="3")

    def test_a_value_that_is_chosen_must_be_one_of_the_list(self, client: Client) -> None:
        response = ask(client, "validate", routing__first_mode="other")
        assert "'other' is not accepted; expected one of: auto, legacy" in words(response)
        assert "<option selected>other</option>" in row_of(response, "routing.first_mode")


class TestApply:
    def test_a_change_is_in_force_with_its_origin(
        self, client: Client, administrator: User
    ) -> None:
        response = ask(client, "apply", trimming__keep_originals_days="3")
        assert response.headers["Location"] == PAGE
        row = row_of(client.get(PAGE), DAYS)
        assert ">console<" in row
        assert f"version 1 by {administrator.username}" in row
        version = ConfigVersion.objects.get()
        assert (version.author, version.reason) == (administrator, "because")
        assert version.changes == [
            {"section": "trimming", "key": "keep_originals_days", "before": 7.0, "after": 3}
        ]
        event = AuditEvent.objects.get(action="configuration_changed")
        assert (event.actor, event.target_id) == (administrator, "1")
        assert event.address

    def test_only_what_was_changed_is_given_by_the_console(self, client: Client) -> None:
        page = client.get(PAGE).content.decode()
        shown = dict(re.findall(r'name="((?:was:)?[a-z_]+\.[a-z_]+)"[^>]*? value="([^"]*)"', page))
        assert len(shown) > 20
        client.post(PAGE, {"base": 0, "do": "apply", "reason": "x", **shown, DAYS: "3"})
        assert ConfigVersion.objects.get().console == {
            "trimming": {
                "keep_originals_days": {
                    "value": 3,
                    "place": ConfigVersion.objects.get().console["trimming"]["keep_originals_days"][
                        "place"
                    ],
                }
            }
        }

    def test_the_console_goes_before_the_environment(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PKTMASK_TRIMMING__KEEP_ORIGINALS_DAYS", "9")
        ask(client, "apply", trimming__keep_originals_days="3")
        assert days() == 3

    def test_a_value_is_given_back_to_the_files(self, client: Client) -> None:
        published(console=given(3))
        response = client.post(
            PAGE, {"base": 1, "do": "apply", "reason": "x", f"reset:{DAYS}": "on"}
        )
        assert response.status_code == 302
        assert days() == 7
        newest = newest_version()
        assert newest is not None
        assert newest.console == {}

    def test_giving_back_what_the_files_give_too_changes_only_the_origin(
        self, client: Client
    ) -> None:
        published(console=given(7))
        data = {"base": 1, "do": "validate", "reason": "x", f"reset:{DAYS}": "on"}
        assert "keep_originals_days 7 7 default" in words(client.post(PAGE, data))
        assert client.post(PAGE, data | {"do": "apply"}).status_code == 302

    def test_a_value_cannot_be_typed_and_given_back_at_once(
        self, client: Client, nothing_changes: Callable[[], None]
    ) -> None:
        published(console=given(3))
        nothing_changes()
        data = {"base": 1, "do": "apply", "reason": "x", DAYS: "4", f"reset:{DAYS}": "on"}
        response = client.post(PAGE, data)
        assert "not both" in row_of(response, DAYS)
        assert " checked" in row_of(response, DAYS)

    @pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
    def test_a_reason_is_needed_and_bounded(
        self, client: Client, reason: str, nothing_changes: Callable[[], None]
    ) -> None:
        nothing_changes()
        response = client.post(PAGE, {"base": 0, "do": "apply", "reason": reason, DAYS: "3"})
        assert response.status_code == 200
        assert 'id="e-reason"' in response.content.decode()
        assert 'value="3"' in row_of(response, DAYS)


class TestConflict:
    def test_who_is_slower_sees_what_was_changed_and_by_whom(
        self, client: Client, nothing_changes: Callable[[], None]
    ) -> None:
        published(console={"trimming": {"max_attempts": Given(9, "version 1 by somebody")}})
        nothing_changes()
        response = ask(client, "apply", base=0, trimming__keep_originals_days="3")
        text = words(response)
        assert response.status_code == 409
        assert "Version 1 was made meanwhile" in text
        assert "by system: other" in text
        assert "trimming.max_attempts 3 9" in text
        assert 'value="3"' in row_of(response, DAYS)
        assert 'name="base" value="1"' in response.content.decode()

    def test_what_the_page_shows_then_is_applied_on_top(self, client: Client) -> None:
        published(console={"trimming": {"max_attempts": Given(9, "version 1 by somebody")}})
        page = ask(client, "apply", base=0, trimming__keep_originals_days="3").content.decode()
        shown = dict(re.findall(r'name="((?:was:)?[a-z_]+\.[a-z_]+)"[^>]*? value="([^"]*)"', page))
        response = client.post(PAGE, {"base": 1, "do": "apply", "reason": "x", **shown})
        assert response.status_code == 302
        found = effective(newest_version())
        assert found.value("trimming", "max_attempts") == 9
        assert found.value("trimming", "keep_originals_days") == 3

    def test_what_was_not_touched_is_no_wish_to_undo_the_change_of_another(
        self, client: Client
    ) -> None:
        page = client.get(PAGE).content.decode()
        shown = dict(re.findall(r'name="((?:was:)?[a-z_]+\.[a-z_]+)"[^>]*? value="([^"]*)"', page))
        published(console=given(5))
        data = {"base": 0, "do": "validate", "reason": "", **shown, "trimming.max_attempts": "4"}
        response = client.post(PAGE, data)
        assert 'value="5"' in row_of(response, DAYS)
        assert "in force:" not in row_of(response, DAYS)

    def test_two_who_apply_at_the_same_moment_do_not_overwrite_each_other(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def faster(base: ConfigVersion | None, **kwargs: Any) -> ConfigVersion:
            monkeypatch.undo()
            published(console=given(5))
            return publish(base, **kwargs)

        monkeypatch.setattr("config.views.page.publish", faster)
        response = ask(client, "apply", trimming__keep_originals_days="3")
        assert response.status_code == 409
        assert "Version 1 was made meanwhile" in words(response)
        assert 'value="3"' in row_of(response, DAYS)
        assert (ConfigVersion.objects.count(), days()) == (1, 5)

    @pytest.mark.parametrize("base", ["", "x", "-1", "7", "9" * 30, "9" * 5000])
    def test_a_form_of_no_version_changes_nothing(
        self, client: Client, base: str, nothing_changes: Callable[[], None]
    ) -> None:
        published(console=given(5))
        nothing_changes()
        data = {"base": base, "do": "apply", "reason": "x", DAYS: "3"}
        response = client.post(PAGE, data)
        assert response.status_code == 409
        assert "does not belong to any version" in words(response)
        assert 'value="3"' in row_of(response, DAYS)

    def test_many_versions_meanwhile_are_shown_in_part(self, client: Client) -> None:
        for number in range(1, 25):
            published(console=given(number))
        response = ask(client, "apply", base=0, trimming__max_attempts="4")
        assert "there are more" in words(response)
        assert "Version 24" in words(response)
        assert "Version 2 " not in words(response)
