"""Words within pictures."""

from __future__ import annotations

from pathlib import Path

from django.utils import translation

from monitoring.channels.picture_words import drawable

NAMES = ["Memory", "scanning"]


def test_english_is_drawn_by_what_matplotlib_brings() -> None:
    assert drawable(NAMES, [Path(__file__)]) == (NAMES, None)


def test_chinese_is_drawn_where_the_machine_has_a_font_for_it(tmp_path: Path) -> None:
    font = tmp_path / "font.ttc"
    font.touch()
    with translation.override("zh-hans"):
        assert drawable(NAMES, [tmp_path / "none.ttc", font]) == (["内存", "scanning"], font)


def test_names_stay_english_where_there_is_none(tmp_path: Path) -> None:
    with translation.override("zh-hans"):
        assert drawable(NAMES, [tmp_path / "none.ttc"]) == (NAMES, None)


def test_what_is_the_same_in_chinese_needs_no_font(tmp_path: Path) -> None:
    with translation.override("zh-hans"):
        assert drawable(["legacy", "scanning"], [tmp_path]) == (["legacy", "scanning"], None)
