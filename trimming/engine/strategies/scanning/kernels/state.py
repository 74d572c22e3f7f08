"""What the scanner remembers, as arrays: who reads the columns of a row finds them named here.

Everything is in one array of words, in which it has an address; the same memory as bytes has eight
of them for each word.  One array and no more: each costs every kernel seven arguments, and makes
compiling slow.

Belongs here: the layout of the one memory that every kernel is given.  It never grows inside a
kernel: that stops before a packet that might not fit, and the caller grows what is short.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]


def constant(value: int) -> int:
    """Return a number for kernels to hand on: of a plain one Numba makes a kernel of its own."""
    return cast(int, np.int64(value))


NONE = constant(-1)


# --- options --------------------------------------------------------------------------------------

(
    O_MASK_UNCERTAIN,
    O_MASK_OTHER,
    O_KEEP_BODY,
    O_KEEP_ERROR_BODY,
    O_REDACT_TARGETS,
    O_MAX_HEADER_BYTES,
    O_MAX_LINE_BYTES,
    O_MAX_CONNECTIONS,
    O_MAX_CLOSED,
    O_IDLE_NS,
    O_IDLE_PACKETS,
    O_REORDER_SEGMENTS,
    O_REORDER_BYTES,
    O_REORDER_TOTAL,
    O_HISTORY_RUNS,
    O_HISTORY_BYTES,
    O_HISTORY_TOTAL,
    O_PIPELINED,
    O_MAX_HEADERS,
    OPTIONS_END,
) = range(64, 84)

# --- registers ------------------------------------------------------------------------------------

(
    # the segment that is looked at
    _R_KEY,  # five words: two addresses of two words, ports and family
    _R_KEY_1,
    _R_KEY_2,
    _R_KEY_3,
    _R_KEY_4,
    R_SIDE,
    R_SEQUENCE,
    R_FLAGS,
    R_WIRE,
    R_PACKET,  # its number; below zero: a view of the slow path
    R_AT,  # where its payload starts in the packet, or in the view
    R_END,
    R_CHECKSUM,  # where its checksum stands in the packet
    R_BUFFER,  # where the packet starts in the data
    R_KIND,
    R_FRAME_CHECK,
    R_NOW,
    R_NUMBER,
    # the part of it that is being classed
    R_PART_LENGTH,
    R_PART_PACKET,
    R_PART_AT,
    R_PART_CHECKSUM,
    R_LINE,  # how far the line that is being split was emitted
    R_BOUNDARIES,
    R_KNOWN,  # how many bytes of the buffer were held before
    R_SCANNED,  # how many of them hold no line end
    R_UNKNOWN,  # bytes emitted without a class, by the present call
    # sums
    R_ENTRIES,
    R_MARKS,
    R_CONNECTION_NUMBERS,
    R_HEAP_TOP,
    R_WAITING_BYTES,
    R_WAITING_FIRST,
    R_WAITING_LAST,
    R_HISTORY_BYTES,
    # the first row of a connection that was given back
    R_CONNECTION_FREE,
    # lists: first, last, count of open and finished connections, first and last that departed
    _R_OPEN_FIRST,
    _R_OPEN_LAST,
    _R_OPEN_COUNT,
    _R_FINISHED_FIRST,
    _R_FINISHED_LAST,
    _R_FINISHED_COUNT,
    _R_GONE_FIRST,
    _R_GONE_LAST,
    _R_GONE_COUNT,
    R_EVICT,
    R_NEED,
    # tables: where their slots are, and how many
    _R_SLOTS,
    R_SLOTS_COUNT,
    _R_GONE_SLOTS,
    R_GONE_SLOTS_COUNT,
    # where names of fields are: their number and ends in words, their text in bytes
    R_NAMES,
    R_NAMES_TEXT,
    # where entries of the plan go, three words each, and how many there is room for
    R_OUT,
    R_OUT_MOST,
    R_VIEWS,  # how often each view of the slow path is needed
    REGISTERS_END,
) = range(57)

# these are handed on
R_KEY = constant(_R_KEY)
R_OPEN, R_FINISHED, R_GONE = (
    constant(_R_OPEN_FIRST),
    constant(_R_FINISHED_FIRST),
    constant(_R_GONE_FIRST),
)
R_SLOTS, R_GONE_SLOTS = constant(_R_SLOTS), constant(_R_GONE_SLOTS)

# --- counts ---------------------------------------------------------------------------------------

(
    T_CONNECTIONS,
    T_STREAMS,
    T_HTTP_STREAMS,
    T_REQUESTS,
    T_RESPONSES,
    T_GAPS,
    T_RETRANSMITTED,
    T_OUT_OF_ORDER,
    T_LEFT_UDP,
    T_LEFT_DNS,
    T_LEFT_HTTP2,
    T_LEFT_RESET,
    T_MAX_HEADER_BYTES,
    T_MAX_CONNECTIONS,
    T_REORDER_SEGMENTS,
    T_REORDER_BYTES,
    T_REORDER_TOTAL,
    T_HISTORY_RUNS,
    T_HISTORY_BYTES,
    T_HISTORY_TOTAL,
    T_PIPELINED,
    TALLY_END,
) = range(96, 118)

# --- rows of tables: a key of five words, then what hangs them into lists -----------------------

KEY_WORDS = 5
K_CHAIN, K_PREVIOUS, K_NEXT = range(5, 8)
DEPARTED_WORDS = 8

(
    C_LIST,
    C_NUMBER,
    C_LAST_NS,
    C_LAST_PACKET,
    C_FLIP,
    C_FINISHED_0,
    C_FINISHED_1,
    C_SURE,
    C_HTTP,
    C_HTTP2,
    C_REAL,  # of the stranger's row: the connection for which it reads
    DIRECTIONS,  # here begin the rows of its two directions
) = range(8, 20)

# --- one direction --------------------------------------------------------------------------------

(
    D_CONNECTION,
    D_PEER,
    # its place in the stream
    D_HAS_REFERENCE,
    D_REFERENCE,
    D_HAS_SYN,
    D_SYN,
    D_HAS_FIRST,
    D_FIRST,
    D_NEXT,
    D_CLASSED,
    # segments that came too early, sorted; where the direction stands among those that wait
    D_WAITING,
    D_WAITING_COUNT,
    D_WAITING_BYTES,
    D_WAITS_AFTER,
    D_WAITS_BEFORE,
    D_WAITS,
    # copies of bytes that are held back
    D_COPIES,
    D_COPIES_LAST,
    D_COPIES_COUNT,
    D_COPIES_BYTES,
    # bytes that never came
    D_HOLES,
    D_HOLES_COUNT,
    # what was decided, oldest first
    D_HISTORY,
    D_HISTORY_LAST,
    D_HISTORY_RUNS,
    D_HISTORY_BYTES,
    D_HAS_FORGOTTEN,
    D_FORGOTTEN,
    # what is held back
    D_PENDING,
    D_PENDING_LAST,
    D_HELD,
    D_HELD_LENGTH,
    D_BOUNDARIES,
    D_BOUNDARIES_COUNT,
    D_SCANNED,  # bytes of the line held back that are known to hold no line end
    # the reader
    D_STATE,
    D_FED,
    D_SEEN_HEAD,
    D_IS_RESPONSE,
    D_CODE,
    D_METHOD,
    D_HEAD_BYTES,
    D_REMAINING,
    D_SAMPLE_LEFT,
    D_PROBE_KIND,
    D_PROBE_LENGTH,
    D_TUNNEL_FOLLOWS,
    # fields of the head: what the last one is, Content-Length and Transfer-Encoding so far
    D_FIELD_KIND,
    D_HAS_FIELDS,
    D_CL_SEEN,
    D_CL_BAD,
    D_CL_HAS_VALUE,
    D_CL_VALUE,
    D_CL_PHASE,
    D_CL_DIGITS,
    D_CL_NUMBER,
    D_TE_CODINGS,
    D_TE_CHUNKED,
    D_TE_LAST_CHUNKED,
    D_TE_LENGTH,
    D_TE_AS_CHUNKED,
    D_TE_AS_IDENTITY,
    D_TE_BLANK,
    # requests sent, those of them that were answered, and which were HEAD or CONNECT
    D_ASKED,
    D_ANSWERED,
    D_METHODS,
    D_METHODS_COUNT,
    # TLS
    D_TLS_LOST,
    D_TLS_BEGUN,
    D_TLS_HEADER,
    D_TLS_HEADER_LENGTH,
    D_TLS_REMAINING,
    D_TLS_KEPT,
    DIRECTION_WORDS,
) = range(74)

CONNECTION_WORDS = DIRECTIONS + 2 * DIRECTION_WORDS

# --- other places -------------------------------------------------------------------------------

PROTOCOLS = 128  # bytes of IP protocols that nobody reads, by number
FREE = PROTOCOLS + 256  # first block of each size that was given back
FREE_SIZES = 48
BOUNDARIES = FREE + FREE_SIZES  # where segments begin in the buffer that is read
MARKS = BOUNDARIES + 72  # connections that turned out to be HTTP
MARKS_MOST = 1024
ALONE = constant(MARKS + MARKS_MOST)  # a connection for bytes that stand alone
HEAP = ALONE + CONNECTION_WORDS

# --- blocks of the heap: word 0 tells the size --------------------------------------------------

N_NEXT = 1
# a part of a stream: eight words, then its bytes
N_START, N_LENGTH, N_WIRE, N_PACKET, N_AT, N_CHECKSUM = range(2, 8)
N_DATA = 8
# what was decided of a range: seven words, then its bytes if they were kept
H_OLDER, H_START, H_END, H_CLASS, H_LENGTH = range(2, 7)
H_DATA = 7

# --- why a kernel stopped -----------------------------------------------------------------------

ENTRY_WORDS = 3
DONE, SLOW, FLUSH, GROW_MEMORY, GROW_ENTRIES, GROW_SLOTS = range(6)
