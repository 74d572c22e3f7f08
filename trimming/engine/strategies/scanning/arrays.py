"""The arrays that kernels work on: made from options, grown when short, read out at the end."""

from __future__ import annotations

from collections.abc import Container

import numpy as np

from trimming.engine.options import TrimOptions
from trimming.engine.plan import ENTRY, Entries
from trimming.engine.report import HTTP2, IP_PROTOCOL, RESET_TEXT, Tally
from trimming.engine.strategies.scanning.kernels import state as names
from trimming.engine.strategies.scanning.kernels.redaction import FIELD_NAMES
from trimming.engine.strategies.scanning.kernels.scan import ENTER_ALL, scan
from trimming.engine.strategies.scanning.kernels.state import NONE

NS_PER_SECOND = 1_000_000_000
HEADERS_IN_A_TUNNEL = 4  # at most, as max_tunnel_depth counts
LARGEST = 1 << 58  # of an option: sums of a few stay within 64 bits
FIRST_WORDS, FIRST_SLOTS, FIRST_ENTRIES, FIRST_VIEWS = 1 << 18, 1 << 10, 1 << 15, 64
NO_ROWS = np.empty((0, 8), np.int64)
NO_BYTES = np.empty(0, np.uint8)
_COUNTS = {
    "connections": names.T_CONNECTIONS,
    "streams": names.T_STREAMS,
    "http_streams": names.T_HTTP_STREAMS,
    "requests": names.T_REQUESTS,
    "responses": names.T_RESPONSES,
    "gaps": names.T_GAPS,
    "retransmitted_segments": names.T_RETRANSMITTED,
    "out_of_order_segments": names.T_OUT_OF_ORDER,
}
_LEFT = {
    "UDP": names.T_LEFT_UDP,
    "DNS": names.T_LEFT_DNS,
    HTTP2: names.T_LEFT_HTTP2,
    RESET_TEXT: names.T_LEFT_RESET,
}
_LIMITS = {
    "max_header_bytes": names.T_MAX_HEADER_BYTES,
    "max_connections": names.T_MAX_CONNECTIONS,
    "reorder_segments": names.T_REORDER_SEGMENTS,
    "reorder_bytes": names.T_REORDER_BYTES,
    "reorder_total_bytes": names.T_REORDER_TOTAL,
    "history_runs": names.T_HISTORY_RUNS,
    "history_bytes": names.T_HISTORY_BYTES,
    "history_total_bytes": names.T_HISTORY_TOTAL,
    "pipelined_requests": names.T_PIPELINED,
}


class Arrays:
    """One run's memory; ``m`` is what kernels are given, and another one when it has grown."""

    def __init__(self, options: TrimOptions) -> None:
        self.m = _larger(np.zeros(names.HEAP, np.int64), FIRST_WORDS)
        m = self.m
        m[names.R_HEAP_TOP] = names.HEAP
        for register in (names.R_CONNECTION_FREE, names.R_WAITING_FIRST, names.R_WAITING_LAST):
            m[register] = NONE
        for ends in (names.R_OPEN, names.R_FINISHED, names.R_GONE):
            m[ends : ends + 2] = NONE
        m[names.FREE : names.FREE + names.FREE_SIZES] = NONE
        for option, value in _options(options).items():
            m[option] = min(value, LARGEST)
        self._enter_names(options)
        for table in (names.R_SLOTS, names.R_GONE_SLOTS):
            self._new_slots(table, FIRST_SLOTS)
        self._new_out(FIRST_ENTRIES)
        self._view_count = FIRST_VIEWS
        place = self._new_words(FIRST_VIEWS, 0)
        self.m[names.R_VIEWS] = place

    def _enter_names(self, options: TrimOptions) -> None:
        fields = [*FIELD_NAMES, *(name.encode() for name in options.redact_fields)]
        text = b"".join(fields)
        ends = np.cumsum([len(name) for name in fields])
        place = self._new_words(1 + len(fields), 0)
        m = self.m
        m[place] = len(fields)
        m[place + 1 : place + 1 + len(fields)] = ends
        m[names.R_NAMES] = place
        place = self._new_words((len(text) + 7) // 8, 0)
        self.m.view(np.uint8)[8 * place : 8 * place + len(text)] = np.frombuffer(text, np.uint8)
        m[names.R_NAMES_TEXT] = 8 * place

    def _new_words(self, count: int, fill: int) -> int:
        """Return the place of words that are never given back."""
        place = int(self.m[names.R_HEAP_TOP])
        if place + count > len(self.m):
            self.m = _larger(self.m[:place], 2 * (place + count))
        self.m[place : place + count] = fill
        self.m[names.R_HEAP_TOP] = place + count
        return place

    def _new_out(self, count: int) -> None:
        place = self._new_words(names.ENTRY_WORDS * count, 0)
        self.m[names.R_OUT], self.m[names.R_OUT_MOST] = place, count

    def _new_slots(self, table: int, count: int) -> None:
        place = self._new_words(count, NONE)
        self.m[table], self.m[table + 1] = place, count

    def taken(self) -> tuple[list[int], Entries]:
        """Return the connections that turned out to be HTTP, and the entries, and empty both.

        The entries are overwritten by the next call of a kernel.
        """
        m = self.m
        marks = m[names.MARKS : names.MARKS + int(m[names.R_MARKS])].tolist()
        place = int(m[names.R_OUT])
        entries = m[place : place + names.ENTRY_WORDS * int(m[names.R_ENTRIES])].view(ENTRY)
        m[names.R_MARKS] = m[names.R_ENTRIES] = 0
        return marks, entries

    def grow(self, reason: int) -> None:
        """Make room for what a kernel said was short."""
        m = self.m
        need = int(m[names.R_NEED])
        if reason == names.GROW_MEMORY:
            top = int(m[names.R_HEAP_TOP])
            self.m = _larger(m[:top], max(2 * len(m), top + 2 * need))
        elif reason == names.GROW_ENTRIES:
            self._new_out(2 * need)
        else:
            self._grow_slots()

    def _grow_slots(self) -> None:
        for table in (names.R_SLOTS, names.R_GONE_SLOTS):
            self._new_slots(table, 4 * int(self.m[table + 1]))
        scan(self.m, ENTER_ALL, NO_BYTES, NO_ROWS, 0, 0)

    def free_view(self, used: Container[int]) -> int:
        """Return a number, above 0, for a view."""
        for number in range(1, self._view_count):
            if number not in used:
                return number
        old, place = self.view_counts(), self._new_words(2 * self._view_count, 0)
        self.m[place : place + len(old)] = old
        self.m[names.R_VIEWS] = place
        self._view_count *= 2
        return len(old)

    def view_counts(self) -> names.Numbers:
        """Return how often each view is needed."""
        place = int(self.m[names.R_VIEWS])
        return self.m[place : place + self._view_count].copy()

    def count(self, tally: Tally) -> None:
        """Add what was counted."""
        m = self.m
        counts = m[: names.TALLY_END].tolist()
        for name, at in _COUNTS.items():
            setattr(tally, name, getattr(tally, name) + counts[at])
        for found, places in ((tally.left_bytes, _LEFT), (tally.limits_met, _LIMITS)):
            for name, at in places.items():
                if counts[at]:
                    found[name] += counts[at]
        protocols = m[names.PROTOCOLS : names.PROTOCOLS + 256]
        for number in np.flatnonzero(protocols).tolist():
            tally.left_bytes[IP_PROTOCOL % {"number": number}] += int(protocols[number])


def _larger(used: names.Numbers, words: int) -> names.Numbers:
    """Return a larger memory that begins with ``used``; what is never touched takes no memory."""
    m = np.empty(max(words, len(used)), np.int64)
    m[: len(used)] = used
    return m


def _options(options: TrimOptions) -> dict[int, int]:
    limits = options.limits
    return {
        names.O_MASK_UNCERTAIN: int(options.uncertain == "mask"),
        names.O_MASK_OTHER: int(options.other_payload == "mask"),
        names.O_KEEP_BODY: options.body_keep_bytes,
        names.O_KEEP_ERROR_BODY: options.error_body_keep_bytes,
        names.O_REDACT_TARGETS: int(options.redact_targets),
        names.O_MAX_HEADER_BYTES: limits.max_header_bytes,
        names.O_MAX_LINE_BYTES: limits.max_line_bytes,
        names.O_MAX_CONNECTIONS: limits.max_connections,
        names.O_MAX_CLOSED: limits.max_closed_connections,
        names.O_IDLE_NS: limits.idle_seconds * NS_PER_SECOND,
        names.O_IDLE_PACKETS: limits.idle_packets,
        names.O_REORDER_SEGMENTS: limits.reorder_segments,
        names.O_REORDER_BYTES: limits.reorder_bytes,
        names.O_REORDER_TOTAL: limits.reorder_total_bytes,
        names.O_HISTORY_RUNS: limits.history_runs,
        names.O_HISTORY_BYTES: limits.history_bytes,
        names.O_HISTORY_TOTAL: limits.history_total_bytes,
        names.O_PIPELINED: limits.pipelined_requests,
        names.O_MAX_HEADERS: limits.max_tunnel_depth * HEADERS_IN_A_TUNNEL,
    }
