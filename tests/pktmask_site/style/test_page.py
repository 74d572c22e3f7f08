"""The page of components: who sees it, and that it lacks none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from config.roles import ADMINISTRATOR, OPERATOR
from pktmask_site.style.tokens import in_groups, tokens
from pktmask_site.templatetags.components import register
from tests.factories import make_user
from tests.migration.console_pages import client_of, read

TEMPLATES = Path(settings.BASE_DIR, "templates")
# around every page, or shown by scripts alone
FRAME = {"alone", "lost", "messages", "nav", "shortcuts", "sprite", "strip", "styles", "theme"}


@pytest.mark.django_db
def test_an_administrator_sees_every_component() -> None:
    answer = client_of(make_user(ADMINISTRATOR)).get(reverse("style:page"))
    text = read(answer)
    for said in (
        *("--canvas", "Rolled back", "Nothing was changed. What you typed is kept."),
        *("A share is a number from 0 to 100", "of 57", "1 leak is confirmed"),
        *(
            "Gradual rollout",
            "Where every byte went",
            "70 61 63 6b",
            "The connection to the service is lost",
        ),
    ):
        assert said in text, said
    ids = re.findall(r' id="([^"]+)"', answer.content.decode())
    assert [each for each in set(ids) if ids.count(each) > 1] == []


@pytest.mark.django_db
def test_staff_see_it_and_an_operator_does_not() -> None:
    staff = make_user(OPERATOR)
    staff.is_staff = True
    staff.save()
    assert client_of(staff).get(reverse("style:page")).status_code == 200
    assert client_of(make_user(OPERATOR)).get(reverse("style:page")).status_code == 403
    assert Client().get(reverse("style:page")).status_code == 302


@pytest.mark.django_db
def test_its_forms_do_nothing_but_say_so() -> None:
    client = client_of(make_user(ADMINISTRATOR))
    answer = client.post(
        reverse("style:page"), {"reason": "a try", "word": "rollback"}, follow=True
    )
    assert "This is a sample: nothing was done." in read(answer)


@pytest.mark.django_db
def test_no_menu_leads_there() -> None:
    answer = client_of(make_user(ADMINISTRATOR)).get("/captures/")
    assert reverse("style:page") not in answer.content.decode()


def used(folder: Path, seen: set[Path] | None = None) -> str:
    """Return the text of all templates of a folder, and of what they include."""
    seen = set() if seen is None else seen
    text = ""
    for path in sorted(folder.glob("*.html")) if folder.is_dir() else [folder]:
        if path not in seen:
            seen.add(path)
            text += path.read_text()
            for name in re.findall(r'{% (?:include|extends) "([^"]+)"', path.read_text()):
                text += used(TEMPLATES / name, seen)
    return text


def test_every_component_is_shown() -> None:
    text = used(TEMPLATES / "style")
    for name in register.tags:
        assert f"{{% {name} " in text, name
    included = {path.stem for path in (TEMPLATES / "partials").glob("*.html")} - FRAME
    for name in included - set(register.tags):
        # what is around every page is around this one
        assert f'"partials/{name}.html"' in text, name


def test_every_token_is_in_one_group() -> None:
    found = tokens()
    assert {"--canvas", "--ok", "--danger"} <= {each.name for each in found.colours}
    assert [each.name for each in found.sizes][:2] == ["--t-xs", "--t-sm"]
    assert {"--s1", "--gutter", "--tap"} <= {each.name for each in found.spaces}
    assert {"--sans", "--quick", "--r1"} <= {each.name for each in found.others}


def test_a_value_over_several_lines_is_one_value() -> None:
    found = in_groups(":root {\n  --mono:\n    a,\n    b;\n  --ink: #000;\n}\n")
    assert found.others[0].value == "a, b"
    assert found.colours[0] == ("--ink", "#000")
