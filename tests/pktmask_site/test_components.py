"""The tags of which pages are made."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.template import Context, Template


class Form(forms.Form):
    reason = forms.CharField(error_messages={"required": "Say why."})


def made(text: str, **context: Any) -> str:
    return Template("{% load components %}" + text).render(Context(context))


def test_a_notice_has_the_shape_of_its_tone_unless_another_is_given() -> None:
    assert "#i-warn" in made('{% notice "warn" %}<p>So.</p>{% endnotice %}')
    found = made(
        '{% notice "warn" "back" title=title name="so" %}<p>So.</p>{% endnotice %}', title="<T>"
    )
    assert "#i-back" in found
    assert '<h2 id="so">&lt;T&gt;</h2><p>So.</p>' in found
    assert 'role="group" aria-labelledby="so"' in found


def test_an_alert_can_be_given_the_focus() -> None:
    found = made('{% notice "fail" name="refused" is_alert=True %}No.{% endnotice %}')
    assert '<div class="notice fail" role="alert" id="refused" tabindex="-1">' in found


@pytest.mark.parametrize("given", ["So.", ["So."]])
def test_what_was_refused_says_why_and_that_nothing_was_changed(given: Any) -> None:
    found = made("{% refused said %}", said=given)
    assert '<p class="pretty">So.</p><p class="pretty">Nothing was changed.</p>' in found


def test_what_a_form_says_is_said_and_that_it_is_kept() -> None:
    found = made("{% refused form=form is_kept=True %}", form=Form({}))
    assert "Say why." in found
    assert "What you typed is kept." in found


def test_without_a_reason_nothing_was_refused() -> None:
    assert made('{% refused "" form=form %}', form=Form({"reason": "so"})) == ""


def test_a_field_says_what_is_wrong_where_it_is() -> None:
    text = '{% field "why" "Reason" errors=e %}<input{% wrong "why" e "n" %}>{% endfield %}'
    assert "aria-invalid" not in made(text, e=())
    assert '<input aria-describedby="n">' in made(text, e=())
    found = made(text, e=["Say why."])
    assert '<input aria-invalid="true" aria-describedby="n wrong-why">' in found
    assert '<div class="bad" id="wrong-why"><p>Say why.</p></div>' in found
    assert made('<input{% wrong "why" %}>') == "<input>"


def test_an_empty_part_an_effect_and_a_tile_hold_their_words() -> None:
    assert "<h3>None</h3><p>Do.</p>" in made('{% empty "None" 3 %}<p>Do.</p>{% endempty %}')
    assert "<h" not in made("{% empty %}<p>Do.</p>{% endempty %}")
    assert '<li class="ok"><svg' in made('{% effect "ok" %}It stays.{% endeffect %}')
    assert '<p class="big">0</p>' in made('{% tile "Same" 0 %}{% endtile %}')
    assert "big" not in made('{% tile "Same" %}{% endtile %}')
