"""What a line of HTTP/1 looks like (RFC 9112), strictly and loosely.

The strict patterns serve framing that may be relied on; the loose ones recognise a kept line in a
stream in which something was odd.
"""

from __future__ import annotations

import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"

# a start line on any port, by content: a method in capitals, or a target that looks like one
START_LINE = re.compile(
    rb"(?!PRI \* HTTP/2\.0)"
    rb"(?:(?:[A-Z][A-Z_\-]{1,31} |" + TOKEN + rb"{1,32} (?=/|\*|[A-Za-z][A-Za-z0-9+.\-]*:))"
    rb"[^\x00-\x20\x7f]+ HTTP/[0-9]\.[0-9] ?\r?\n"
    rb"|HTTP/[0-9]\.[0-9] [^\n\0]*\n)"
)
# the beginning of one: what a cut may leave of it
START_PREFIX = re.compile(
    rb"(?:HTTP/[0-9]\.[0-9] [^\n\0]*"
    rb"|[A-Z][A-Z_\-]{0,31}(?: (?:[^\x00-\x20\x7f]+(?: (?:H(?:T(?:T(?:P(?:/(?:[0-9](?:\.(?:[0-9]"
    rb" ?\r?)?)?)?)?)?)?)?)?)?)?)?"
    rb"|HTTP/(?:[0-9](?:\.[0-9]?)?)?)\Z"
)

REQUEST_LINE = re.compile(rb"(" + TOKEN + rb"+) [!-~]+ HTTP/1\.([01])\Z")
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9]) [\t -~\x80-\xff]*\Z")
FIELD = re.compile(rb"(" + TOKEN + rb"+):[\t ]*([\t -~\x80-\xff]*)\Z")
FOLD = re.compile(rb"[\t ]+[!-~\x80-\xff][\t -~\x80-\xff]*\Z")
LENGTH = re.compile(rb"(?:0|[1-9][0-9]{0,14})\Z")
END_OF_HEAD = re.compile(rb"\n\r?\n")
SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:;[\t -~]*)?\r\n\Z")

# what a strategy may have taken for a start line, how that may grow, and how it may be cut
LOOSE_START_LINE = re.compile(
    rb"[\r\n]*(?:" + TOKEN + rb"+[ \t][^\n]*HTTP/[0-9]\.[0-9][ \t]*(?:\r[^\n]*)?\n"
    rb"|HTTP/[0-9]\.[0-9][^\n]*\n)"
)
LOOSE_START_PREFIX = re.compile(
    rb"[\r\n]*(?:HTTP/[0-9]\.[0-9][^\n]*|" + TOKEN + rb"{1,64}(?:[ \t][^\n]*)?"
    rb"|HTTP/(?:[0-9](?:\.[0-9]?)?)?)?\Z"
)
CUT_START_LINE = re.compile(
    rb"\r*(?:HTTP/[0-9]\.[0-9][^\n\0]*|" + TOKEN + rb"{1,64}(?:[ \t]+[^\x00-\x20\x7f]*"
    rb"(?:[ \t]+(?:H[^\x00-\x20\x7f]*)?[ \t]*\r*)?)?|HTTP/(?:[0-9](?:\.[0-9]?)?)?)\Z"
)
LOOSE_SIZE_LINE = re.compile(rb"[\t ]*([0-9A-Fa-f]{1,16})[\t ]*(?:;[^\n]*)?\r*\n\Z")
LOOSE_SIZE_PREFIX = re.compile(rb"[\t ]*[0-9A-Fa-f]{1,16}[\t ]*(?:;[^\n]*)?\r*\Z")
# only straight behind another line of a head, where it is better to ask too little
LOOSE_FIELD = re.compile(rb"[^:\n]{0,256}:")
LOOSE_FIELD_PREFIX = re.compile(rb"[^:\n]{0,256}(?::|\Z)")
TRANSFER_ENCODING = re.compile(rb"(?:\A|\r)[\t ]*transfer-encoding[\t ]*:", re.IGNORECASE)
REDACTED_LINE = re.compile(rb"x+\r?\n\Z")
# recipients disagree about a CR without LF (RFC 9112 section 2.2): some end a line there
BARE_CR = re.compile(rb"\r(?=[^\n])")
EMPTY_LINE = re.compile(rb"\r*\n\Z")
EMPTY_PREFIX = re.compile(rb"\r+\Z")
MAX_HEAD_BYTES = 1 << 16
