"""Writing a capture and its expected form side by side, in windows."""

import struct
from pathlib import Path
from types import TracebackType
from typing import Self

# 2026-01-01T00:00:00Z
_START_MICROSECONDS = 1_767_225_600 * 10**6
_FILE_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
_RECORD_HEADER = struct.Struct("<IIII")
_WINDOW_BYTES = 4 * 2**20
# A full segment takes this long on a gigabit link.
_PACKET_MICROSECONDS = 12


class CapturePairWriter:
    """Writes little-endian pcap with microseconds and link type Ethernet to two files at once.

    Attributes:
        captured_bytes: size of each file so far.
        packets: records in each file so far.
    """

    def __init__(self, capture_path: Path, expected_path: Path) -> None:
        self.captured_bytes = len(_FILE_HEADER)
        self.packets = 0
        self._capture = capture_path.open("wb")
        self._expected = expected_path.open("wb")
        self._capture_pieces = [_FILE_HEADER]
        self._expected_pieces = [_FILE_HEADER]
        self._flushed_bytes = 0
        self._now_microseconds = _START_MICROSECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._flush()
        self._capture.close()
        self._expected.close()

    def pause(self, microseconds: int) -> None:
        """Let time pass until the next packet."""
        self._now_microseconds += microseconds

    def write(self, frame: bytes, expected_frame: bytes) -> None:
        """Append one packet, of the same length in both files."""
        seconds, microseconds = divmod(self._now_microseconds, 10**6)
        record = _RECORD_HEADER.pack(seconds, microseconds, len(frame), len(frame))
        self._capture_pieces += (record, frame)
        self._expected_pieces += (record, expected_frame)
        self._now_microseconds += _PACKET_MICROSECONDS
        self.packets += 1
        self.captured_bytes += len(record) + len(frame)
        if self.captured_bytes - self._flushed_bytes >= _WINDOW_BYTES:
            self._flush()

    def _flush(self) -> None:
        self._capture.write(b"".join(self._capture_pieces))
        self._expected.write(b"".join(self._expected_pieces))
        self._capture_pieces.clear()
        self._expected_pieces.clear()
        self._flushed_bytes = self.captured_bytes
