"""The console in two languages: chosen by the browser or the person, and whole in both."""

from __future__ import annotations

import gettext
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from config.languages.told import told
from config.sections import Accepts, accepted, registry
from tests.factories import make_user

LOCALE: Final = Path(settings.BASE_DIR) / "locale" / "zh_Hans" / "LC_MESSAGES"
# what holds texts for people
WITH_TEXTS: Final = ("config", "migration", "monitoring", "pktmask_site", "templates", "trimming")
PLACEHOLDER: Final = re.compile(r"%\(\w+\)[sdr]|%[sd%]|\{\w*\}|</?\w+")


@pytest.fixture
def signed_in(db: None, client: Client) -> Client:
    """Give a browser with somebody signed in."""
    client.force_login(make_user())
    return client


def page(client: Client, **headers: str) -> str:
    """Return the list of captures."""
    response = client.get(reverse("trimming:captures"), headers=headers)
    return response.content.decode()


def test_a_browser_that_asks_for_chinese_gets_it(signed_in: Client) -> None:
    text = page(signed_in, **{"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert '<html lang="zh-hans">' in text
    assert "抓包文件" in text


def test_other_languages_are_answered_in_english(signed_in: Client) -> None:
    assert '<html lang="en">' in page(signed_in, **{"accept-language": "fr"})


def test_whoever_chooses_a_language_keeps_it_and_stays_on_the_page(signed_in: Client) -> None:
    here = reverse("trimming:captures")
    answer = signed_in.post(reverse("language"), {"language": "zh-hans", "next": here})
    assert answer.headers["location"] == here
    assert '<html lang="zh-hans">' in page(signed_in, **{"accept-language": "en"})


def test_a_language_that_there_is_not_changes_nothing(signed_in: Client) -> None:
    signed_in.post(reverse("language"), {"language": "tlh", "next": "https://elsewhere.example/"})
    assert '<html lang="en">' in page(signed_in)


def catalog(path: Path) -> dict[object, str]:
    """Return the messages of a compiled catalog."""
    with path.open("rb") as file:
        found: dict[object, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # the stubs lack what has no public name
    return {key: text for key, text in found.items() if key != ""}


def test_translations_have_the_placeholders_and_tags_of_the_original() -> None:
    wrong = {}
    for key, text in catalog(LOCALE / "django.mo").items():
        original = str(key[0] if isinstance(key, tuple) else key).rpartition("\x04")[2]
        # a plural may leave the number out in one form
        if not set(PLACEHOLDER.findall(text)) >= set(PLACEHOLDER.findall(original)):
            wrong[original] = text
    assert wrong == {}


def messages(folder: Path, kind: str) -> list[str]:
    """Return the texts of a kind in a catalog that is being written."""
    command = ["msgattrib", kind, "--no-location", "--no-wrap", str(folder / "django.po")]
    found = subprocess.run(command, check=True, capture_output=True, timeout=60)
    return re.findall(r'^msgid "(.+)"$', found.stdout.decode(), re.MULTILINE)


def test_what_is_said_of_settings_has_its_translation() -> None:
    known = catalog(LOCALE / "django.mo")
    kinds = registry.sections.values()
    fields = [field for kind in kinds for field in kind.model_fields.values()]
    said = {text for kind in kinds for text in (kind.title, kind.help)}
    said |= {field.description or "" for field in fields}
    said |= {each.words for field in fields for each in field.metadata if isinstance(each, Accepts)}
    said |= {rule.reason for rule in registry.rules}
    assert said - known.keys() == set()
    with override("zh-hans"):
        composed = {accepted(field) for field in fields}
        assert {words for words in composed if told(words) == words} == set()


@pytest.mark.skipif(
    shutil.which("xgettext") is None and not os.environ.get("REQUIRE_SERVICES"),
    reason="gettext is not installed",
)
def test_no_text_is_without_its_translation(tmp_path: Path) -> None:
    for name in WITH_TEXTS:
        shutil.copytree(Path(settings.BASE_DIR) / name, tmp_path / name)
    shutil.copytree(LOCALE.parents[1], tmp_path / "locale")
    made = tmp_path / "locale" / "zh_Hans" / "LC_MESSAGES"
    for name in ("manage.py", "pyproject.toml"):
        shutil.copy(Path(settings.BASE_DIR) / name, tmp_path)
    command = [sys.executable, "manage.py", "makemessages", "-l", "zh_Hans", "--no-obsolete"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    missing = [*messages(made, "--untranslated"), *messages(made, "--only-fuzzy")]
    assert missing == []
    # and what is compiled is what is written
    subprocess.run(
        ["msgfmt", "--check-format", LOCALE / "django.po", "-o", tmp_path / "again.mo"],
        check=True,
        timeout=60,
    )
    assert catalog(tmp_path / "again.mo") == catalog(LOCALE / "django.mo")
