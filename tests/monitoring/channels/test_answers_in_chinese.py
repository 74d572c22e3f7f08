"""What channels say of what they sent, or could not send: stored in English, shown in Chinese."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
from django.utils import translation

from config import secret_references
from config.languages.told import told
from config.secret_references import SecretMissingError, secret
from monitoring.channels import (
    apprise,
    email,
    failures,
    log,
    mail_transport,
    receiver_addresses,
    slack,
    webhook,
)
from monitoring.channels.failures import words
from monitoring.channels.slack import REFUSALS
from tests.monitoring.chinese import CHINESE, WORDS
from tests.trimming.engine.test_words import unmarked

SAY_WHAT_CAME_OF_IT: Final = (
    *(apprise, email, failures, log, mail_transport, receiver_addresses, slack, webhook),
    secret_references,
)
# the name of a sender, not what came of a message
NO_SENTENCES: Final = ["PktMask alerts <alerts."]


def in_chinese(text: str) -> str:
    """Return it as a Chinese page shows it."""
    with translation.override(CHINESE):
        return told(text)


@pytest.mark.parametrize("module", SAY_WHAT_CAME_OF_IT, ids=lambda each: each.__name__)
def test_what_came_of_it_is_told_by_messages_of_the_catalogue(module: ModuleType) -> None:
    found = unmarked(ast.parse(inspect.getsource(module)))
    assert [said for said in found if said not in NO_SENTENCES] == []


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_what_slack_refuses_is_told_with_its_code(code: str) -> None:
    shown = in_chinese(f"Slack refused it ({code}): {REFUSALS[code]}.")
    assert shown.startswith(f"Slack 拒收（{code}）：")
    assert not WORDS.search(shown)


@pytest.mark.parametrize(
    "error", [TimeoutError(), ConnectionRefusedError(), OSError(), KeyError("planted")]
)
@pytest.mark.parametrize("receiver", ["Slack", "Apprise", "The receiver", "The mail server"])
def test_what_fails_on_the_way_is_told(error: Exception, receiver: str) -> None:
    shown = in_chinese(words(error, receiver))
    assert not WORDS.search(shown)
    assert "The " not in shown


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("env:PKTMASK_NONE", "变量 PKTMASK_NONE 中没有密钥；"),
        ("file:/run/secrets/none", "文件 /run/secrets/none 无法读取：没有这个文件或目录。"),
        ("file:/etc/passwd", "文件 /etc/passwd 不在密钥目录 /run/secrets 中；"),
        ("planted", "这不是密钥引用；应为密钥引用，如 env:PKTMASK_NAME 或"),
    ],
)
def test_a_reference_that_leads_to_no_secret_is_told(reference: str, shown: str) -> None:
    with pytest.raises(SecretMissingError) as caught:
        secret(reference, {})
    assert in_chinese(str(caught.value)).startswith(shown)
    assert "planted" not in str(caught.value)


def test_the_words_of_a_mail_server_stay_as_they_are() -> None:
    said = "The mail server refused it. The server said: “5.7.1 No such file or directory”."
    assert in_chinese(said) == "邮件服务器拒收。服务器的应答：“5.7.1 No such file or directory”。"


def test_this_test_knows_every_module_of_a_channel() -> None:
    folder = Path(inspect.getfile(slack)).parent
    known = {Path(inspect.getfile(each)) for each in SAY_WHAT_CAME_OF_IT}
    assert [
        path.name
        for path in sorted(folder.glob("*.py"))
        if "ChannelError(" in path.read_text() and path.name != "base.py" and path not in known
    ] == []
