"""HTTP heads: start line, varied header fields and blank line, of a realistic size.

Used for the messages themselves and for the bodies that only look like messages.
"""

from random import Random

MIN_HEAD_BYTES = 180
MAX_HEAD_BYTES = 650

# A head stays below its drawn size by less than this, because a shorter filler field would not fit.
_FILLER_MARGIN_BYTES = 20

_WORDS = """
    account api archive assets basket catalog checkout content daily data detail download
    events export feed forum gallery help images index inventory items journal latest library
    list login media members news notes orders pages photos price product profile public queue
    recent report results review search service session settings status store stream summary
    tags team thumbs ticket today update users video
""".split()  # noqa: SIM905 - as a list it would take a line for each word
_SUFFIXES = ("", "", "", ".html", ".json", ".js", ".css", ".png", ".jpg", ".php", "/")
_USER_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.0 Safari/605.1.15",
    "curl/8.14.1",
    "python-requests/2.32.5",
    "okhttp/4.12.0",
)
_REQUEST_FIELDS = (
    "Accept: */*",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Encoding: gzip, deflate",
    "Accept-Language: en-GB,en;q=0.7,de;q=0.3",
    "Cache-Control: no-cache",
    "Connection: keep-alive",
    "DNT: 1",
    "If-Modified-Since: Thu, 01 Jan 2026 08:00:00 GMT",
    "Pragma: no-cache",
    "Upgrade-Insecure-Requests: 1",
    "X-Requested-With: XMLHttpRequest",
)
_RESPONSE_FIELDS = (
    "Accept-Ranges: bytes",
    "Access-Control-Allow-Origin: *",
    "Age: 311",
    "Cache-Control: max-age=3600, public",
    "Connection: keep-alive",
    "Expires: Thu, 01 Jan 2026 10:00:00 GMT",
    "Keep-Alive: timeout=5, max=98",
    "Last-Modified: Wed, 31 Dec 2025 21:15:03 GMT",
    "Strict-Transport-Security: max-age=31536000; includeSubDomains",
    "Vary: Accept-Encoding",
    "Via: 1.1 cache-4.example.net",
    "X-Content-Type-Options: nosniff",
    "X-Frame-Options: SAMEORIGIN",
)
_SERVERS = (
    "nginx",
    "nginx/1.28.0",
    "Apache/2.4.65 (Debian)",
    "gunicorn",
    "envoy",
    "Microsoft-IIS/10.0",
)
_REASONS = {200: "OK", 201: "Created", 204: "No Content", 304: "Not Modified", 404: "Not Found"}


def request_head(rng: Random, method: str, framing_fields: list[str]) -> bytes:
    """Return the head of a request; ``framing_fields`` are whole lines without CRLF."""
    host = f"{rng.choice(_WORDS)}{rng.randint(1, 99)}.example.com"
    fields = [f"Host: {host}", *framing_fields]
    optional = [
        *rng.sample(_REQUEST_FIELDS, rng.randint(2, 7)),
        f"User-Agent: {rng.choice(_USER_AGENTS)}",
        f"Referer: http://{host}{_path(rng)}",
        f"X-Request-Id: {rng.getrandbits(128):032x}",
    ]
    return _head(rng, f"{method} {_path(rng)} HTTP/1.1", fields, optional, "Cookie")


def response_head(rng: Random, status: int, framing_fields: list[str]) -> bytes:
    """Return the head of a response; ``framing_fields`` are whole lines without CRLF."""
    time = f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
    date = f"Date: Thu, 01 Jan 2026 {time} GMT"
    optional = [
        *rng.sample(_RESPONSE_FIELDS, rng.randint(2, 8)),
        f"Server: {rng.choice(_SERVERS)}",
        f'ETag: "{rng.getrandbits(64):x}"',
        f"X-Trace: {rng.getrandbits(96):024x}",
    ]
    return _head(
        rng,
        f"HTTP/1.1 {status} {_REASONS[status]}",
        [date, *framing_fields],
        optional,
        "Set-Cookie",
    )


def _head(
    rng: Random, start_line: str, fields: list[str], optional: list[str], filler_name: str
) -> bytes:
    size_bytes = rng.randint(MIN_HEAD_BYTES + _FILLER_MARGIN_BYTES, MAX_HEAD_BYTES)
    room_bytes = size_bytes - len(start_line) - 4 - sum(len(field) + 2 for field in fields)
    rng.shuffle(optional)
    for field in optional:
        if len(field) + 2 <= room_bytes:
            fields.append(field)
            room_bytes -= len(field) + 2
    if room_bytes >= _FILLER_MARGIN_BYTES:
        value_bytes = room_bytes - len(filler_name) - len(": id=\r\n")
        fields.append(f"{filler_name}: id={rng.randbytes(value_bytes).hex()[:value_bytes]}")
    rng.shuffle(fields)
    return "\r\n".join([start_line, *fields, "", ""]).encode("ascii")


def _path(rng: Random) -> str:
    path = "/" + "/".join(rng.choices(_WORDS, k=rng.randint(1, 3))) + rng.choice(_SUFFIXES)
    return f"{path}?id={rng.randrange(10**6)}" if rng.random() < 0.3 else path


def prose(rng: Random, word_count: int) -> str:
    """Return plain text of ``word_count`` words, a line break after every twelfth."""
    words = rng.choices(_WORDS, k=word_count)
    return "\n".join(" ".join(words[start : start + 12]) for start in range(0, word_count, 12))
