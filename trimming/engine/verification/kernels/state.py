"""What the kernels know: registers, connections, their sides, and where bytes are kept.

Belongs here: the names of columns.  A connection has one row and two sides (rows 2n and 2n + 1 of
``sides``: who has the lower address, and the other one).  All that ``Connection`` and what hangs on
it knows has a place here, or the connection is not held here at all (``state`` HELD_OUTSIDE).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Small = NDArray[np.int32]


class State(NamedTuple):
    """Arrays of one verification; those that grow are replaced between calls."""

    m: Numbers  # registers: M_*
    rows: Numbers  # (connections, C_COLUMNS)
    sides: Numbers  # (2 * connections, S_COLUMNS)
    slots: Small  # open addressing: row + 1, 0 for empty
    forgotten: Numbers  # (slots, KEY_WORDS + 1): keys, and whether there is one
    held: Numbers  # (segments put aside, H_COLUMNS)
    low: Numbers  # runs of kept bytes: position of the first one
    nodes: Small  # (runs, 2): length, negative where a segment's first run is; the next run
    arena: Bytes  # bytes of segments put aside, of cut lines, of what was read last
    runs: Numbers  # scratch: (start, end) of the kept runs of a segment
    saved: Numbers  # scratch: a row and its sides before they were changed
    order: Numbers  # scratch: segments put aside, in the order in which they are read


KEY_WORDS = 5
MAX_RUNS = 1024
MAX_HELD = 64
MAX_MARKS = 8
MAX_REQUESTS = 15
NONE = -1

# registers
(
    M_OPEN_FIRST,
    M_OPEN_LAST,
    M_OPEN_COUNT,
    M_CLOSED_FIRST,
    M_CLOSED_LAST,
    M_CLOSED_COUNT,
    M_FREE_ROW,
    M_ROWS_USED,
    M_FREE_NODE,
    M_NODES_USED,
    M_NODES_FREE,
    M_FREE_HELD,
    M_HELD_USED,
    M_HELD_FREE,
    M_ARENA_USED,
    M_FORGOTTEN,
    M_FORGOT_ALL,
    M_HTTP_STREAMS,
    M_HEADER_BLOCKS,
    M_MASKED_BYTES,
    M_ARRIVED,
    M_WAITING_BYTES,
    M_SEED,
    # limits and options
    M_MAX_OPEN,
    M_MAX_CLOSED,
    M_IDLE_NS,
    M_MAX_WAITING,
    M_REORDER_SEGMENTS,
    M_REORDER_BYTES,
    M_KEEP_BYTES,
    M_REDACTS,
    # where a scan stands: a row of both windows, entries of the plan
    M_ROW,
    M_OTHER_ROW,
    M_SPAN,
    M_CHANGE,
    M_CHECK,
    # what a packet was decoded to
    M_KIND,
    M_SIDE,
    M_SEQ,
    M_FLAGS,
    M_AT,
    M_START,
    M_END,
    M_LENGTH,
    M_TIME,
    M_NUMBER,
    M_CONNECTION,
    M_ORDERED,
    M_WANTED,
) = range(49)
M_KEY = 49
M_COUNT = M_KEY + KEY_WORDS

# columns of a connection; its key comes first
(
    C_STATE,
    C_CLOSED,
    C_BEFORE,
    C_BEHIND,
    C_LAST_NS,
    C_SURE,
    C_HTTP,
    C_CLIENT,
    C_WAITING,
    C_REQUESTS,
    C_REQUEST_BITS,
    C_HELD_FIRST,
    C_HELD_COUNT,
) = range(KEY_WORDS, KEY_WORDS + 13)
C_COLUMNS = KEY_WORDS + 13

# what C_STATE says
FREE, HERE, HELD_OUTSIDE = 0, 1, 2
# a request that waits for its response is 4 bits
HEAD_REQUEST, CONNECT_REQUEST, UPGRADE_REQUEST = 1, 2, 4

# columns of a side: its stream
(
    S_ISN,
    S_NEXT,
    S_POSITION,
    S_FIN,
    S_HAS_GAP,
    S_REACHED,
    S_HELD_COUNT,
    S_HELD_BYTES,
    S_KNOWN_FROM,
    S_GAP_LOW,
    S_GAP_HIGH,
    S_LAST_POSITION,
    S_LAST_AT,
    S_LAST_SIZE,
    S_LAST_ROOM,
    S_RUN_FIRST,
    S_RUN_LAST,
    S_RUNS,
    S_RUN_BYTES,
    S_CONTRADICTORY,
    # its eye
    S_STRICT,
    S_EXPECT,
    S_LEFT,
    S_BODY_READ,
    S_HEADS,
    S_RECOGNISED,
    S_CARRY_AT,
    S_CARRY_SIZE,
    S_CARRY_ROOM,
    S_CARRIED,
    S_MARKS,
    S_OPENS,
    S_SKIPPING,
    S_EARLIER,
    S_EARLIER_PACKET,
    S_EARLIER_OFFSET,
    S_LAST_PACKET,
    S_LAST_OFFSET,
    # its grammar
    S_PLACE,
    S_CHUNKED,
    S_SIZE_NEXT,
    S_CHUNK_LEFT,
    S_GRAMMAR_HEADS,
    S_CODED,
) = range(44)
# position in the carry, packet, offset in the packet; of as many as S_MARKS says
S_MARK = 44
S_COLUMNS = S_MARK + 3 * MAX_MARKS

# a segment put aside; its original bytes stand at H_AT, those of the output behind them
(
    H_NEXT,
    H_SIDE,
    H_SEQ,
    H_SIZE,
    H_AT,
    H_PACKET,
    H_OFFSET,
    H_ARRIVED,
) = range(8)
H_COLUMNS = 8

# what a packet is decoded to
NOTHING, TCP_SEGMENT, UDP_DATAGRAM, UNUSUAL = range(4)

# why a scan came back
DONE, PACKET, SEGMENT, RELEASE, READ, GROW_ROWS, GROW_NODES, GROW_HELD, GROW_ARENA = range(9)
# what became of a segment
TAKEN, ODD = 0, -1
