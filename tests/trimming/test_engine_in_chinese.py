"""What the engine says, on a Chinese page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from django.utils import translation

from config.languages.told import told
from trimming.engine.errors import EngineError, InputError
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.options import profile_from_mapping
from trimming.engine.pipeline import _findings
from trimming.engine.report import IP_PROTOCOL, Finding, Verification
from trimming.engine.verification.findings import Rule
from trimming.recognition import refusal

KEPT: Final = Finding(Rule.KEPT_BYTES, "byte 77 of a message body is kept", 3, 77)
ENDS: Final = Finding(Rule.PACKET_COUNT, "the output ends after packet 4")


def said_in_chinese(text: object) -> str:
    with translation.override("zh-hans"):
        return told(text)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "实际为 空文件"),
        (b"PK\x03\x04", "实际为 ZIP 压缩包；先解压"),
        (b"12345678", "实际为 以字节 31 32 33 34 开头的文件"),
    ],
)
def test_a_file_that_is_no_capture_is_refused_in_chinese(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(content)
    with CaptureFile(path) as capture, pytest.raises(InputError) as refused:
        capture.file_format  # noqa: B018 - reading it is the check
    expected = "应为 pcap 或 pcapng 抓包文件，未压缩或以 gzip、zstandard 压缩"
    assert said_in_chinese(refused.value) == f"{path}：字节 0 处：{expected}，{said}"
    with translation.override("zh-hans"):
        assert said.removeprefix("实际为 ") in refusal(refused.value)


def test_findings_of_a_verification_are_told_one_by_one() -> None:
    found = Verification(4, 0, 1, 0, (KEPT, ENDS, ENDS, ENDS))
    kept = "第 3 个数据包，字节 77：消息体的字节 77 被保留（保留的字节 kept-bytes）"
    ends = "输出在第 4 个数据包之后结束（数据包数 packet-count）"
    assert said_in_chinese(_findings(Path("edge.pcap"), found)) == (
        f"edge.pcap：输出未通过验证，已删除：{kept}；{ends}；{ends}；另有 1 处"
    )


def wrong(**values: object) -> Callable[[], object]:
    return lambda: profile_from_mapping(values, "options")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (wrong(uncertain=3), "选项：uncertain 应为 mask 或 keep，而不是 3"),
        (wrong(slice=1), "选项：slice 应为 布尔值：true 或 false，而不是 1"),
        (wrong(body_keep_bytes=-1), "选项：body_keep_bytes 应为 不小于 0 的整数，而不是 -1"),
        (
            wrong(base="standart"),
            "选项：base：没有裁剪方案 'standart'；内置的有：share_safe, standard；"
            "是指 'standard' 吗？",
        ),
    ],
)
def test_a_wrong_profile_is_told_with_the_names_that_it_has(
    make: Callable[[], object], said: str
) -> None:
    with pytest.raises(EngineError) as refused:
        make()
    assert said_in_chinese(refused.value) == said


def test_what_was_left_has_its_name() -> None:
    assert said_in_chinese(IP_PROTOCOL % {"number": 47}) == "IP 协议 47"
