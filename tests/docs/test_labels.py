"""The manuals call pages, buttons and states what the console calls them, in both languages.

Bold and italic words are names of the console, ``**Page > Part**`` a way; what is not stands below.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import pytest
from django.conf import settings
from django.utils.text import capfirst
from django.utils.translation import trans_real

from config import documents

OPERATED_BY: Final = (
    "operations/HTTP_SCANNING_OPERATIONS_MANUAL",
    "deployment/HTTP_SCANNING_DEPLOYMENT_GUIDE",
    "runbook",
    "alerts",
    "console",
    "training/README",
    "training/1-read-the-overview",
    "training/2-approve",
    "training/3-roll-back",
    "training/4-restore",
)
CODE: Final = re.compile(r"^```.*?^```|`[^`\n]+`", re.M | re.S)
MARKED: Final = re.compile(r"(?<!\*)(\*{1,2})(?![ *])([^*\n]+)(?<! )\1(?!\*)")
# what begins a paragraph, what people are called, what commands and the changelog say
NO_LABELS: Final[Mapping[str, str]] = {
    "Captures may leak or are wrong:": "抓包文件可能泄漏或有误",
    "Nothing works:": "什么都不工作",
    "An alert fires:": "有告警触发",
    "None of it:": "都不是",
    "Change by file": "通过文件更改",
    "Change on the page Configuration": "在“配置”页面更改",
    "Going back": "退回",
    "Work on the machine": "机器上的工作",
    "A new version": "新版本",
    "A fresh log file": "新的日志文件",
    "Taking over a shift": "接班",
    "Before a change": "更改之前",
    "After a change": "更改之后",
    "After an incident": "事件之后",
    "Somebody leaves": "有人离开",
    "The verdict": "结论",
    "A lost connection": "连接中断",
    "Diagnosis.": "诊断",
    "Action.": "处置",
    "Aim.": "目标",
    **{name: name for name in ("olga", "anton", "vera", "0 settings", "Changed", "Removed")},
}


def console() -> Mapping[str, set[str]]:
    """Return every text of the console, also of Django's, with its translations."""
    found: dict[str, set[str]] = defaultdict(set)
    # Django's stubs lack the catalogue itself, which has no public name
    for key, text in trans_real.translation("zh-hans")._catalog.items():  # type: ignore[attr-defined]
        # a plural is keyed with its number, a text with a context behind that
        original = key[0] if isinstance(key, tuple) else key
        text_of = original.rpartition("\x04")[2]
        # Django begins names of models with a capital
        for each in (text_of, capfirst(text_of)):
            found[each].add(text)
    return found | {name: {text} for name, text in NO_LABELS.items()}


def marked(name: str, language: str) -> set[str]:
    """Return what a document marks, way by way taken apart."""
    document = documents.document(name, language)
    assert document is not None
    text = CODE.sub("", document.text)
    return {part for _, way in MARKED.findall(text) for part in way.split(" > ")}


@pytest.mark.parametrize("name", OPERATED_BY)
def test_manuals_call_things_as_the_console_does(name: str) -> None:
    texts = console()
    english, chinese = marked(name, settings.LANGUAGE_CODE), marked(name, "zh-hans")
    assert english - set(texts) == set()
    assert chinese - {text for each in english for text in texts[each]} == set()
    assert {each for each in english if not texts[each] & chinese} == set()
