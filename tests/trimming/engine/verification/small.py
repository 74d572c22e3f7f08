"""A small capture that is verified in a process of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.captures import Conversation, pcap, request
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.options import TrimOptions
from trimming.engine.plan import MaskPlan
from trimming.engine.report import Verification
from trimming.engine.verification import verify


def verify_one() -> Verification:
    """Verify the output of a capture in which there is nothing to mask."""
    conversation = Conversation()
    conversation.handshake()
    conversation.client(request())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "capture")
        path.write_bytes(pcap(conversation.packets))
        with MaskPlan(TrimOptions()) as plan, CaptureFile(path) as a, CaptureFile(path) as b:
            return verify(a, b, plan)
