"""Messages for the tests: one of each kind, and any at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from monitoring.alerts.message import AlertLine, Message, MessageKind, Picture, Severity

NOW = datetime(2026, 11, 29, 7, 31, 5, tzinfo=UTC)
HOST = "https://pktmask.example.org"
POINTS = tuple((NOW - timedelta(minutes=60 - at), 40.0 + at) for at in range(61))


def line(number: int = 1, severity: Severity = Severity.CRITICAL) -> AlertLine:
    """Return one alert."""
    return AlertLine(
        fingerprint=f"fingerprint-{number}",
        rule=f"cpu_percent_{number}",
        severity=severity,
        title=f"CPU {number} above 90 %",
        sentence=f"97.{number} % for 5 min; limit 90 % & held <5 min>",
        since=NOW - timedelta(minutes=number),
        address=f"{HOST}/alerts/{number}/",
    )


def firing() -> Message:
    """Return a critical message about two alerts, with everything that a message can have."""
    return Message(
        key="firing-0001",
        kind=MessageKind.FIRING,
        severity=Severity.CRITICAL,
        at=NOW,
        title="CPU above 90 %",
        summary="The machine is busy & <slow>.",
        alerts=(line(1), line(2, Severity.HIGH)),
        more=3,
        actions=("Look at the largest jobs.", "Lower the number of workers."),
        runbook=f"{HOST}/runbook/#cpu",
        acknowledge=f"{HOST}/alerts/acknowledge/signed/",
        console=f"{HOST}/alerts/1/",
        level=2,
        picture=Picture("CPU of the machine", "%", POINTS, 90.0),
    )


pieces = st.sampled_from([*"&<>*_~`aé—漢🛑", "\n", "\r", "\x00", "\u202e", "two words "])
texts = st.text(max_size=30) | st.builds(
    lambda piece, count: piece * count, pieces, st.integers(1, 4000)
)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
addresses = st.just("") | st.integers(1, 6000).map(lambda length: HOST + "/" + "a" * length)
values = st.floats() | st.floats(-1e3, 1e3)
lines = st.builds(
    AlertLine,
    fingerprint=st.text(max_size=80),
    rule=texts,
    severity=st.sampled_from(Severity),
    title=texts,
    sentence=texts,
    since=moments,
    resolved_at=st.none() | moments,
    address=addresses,
)
pictures = st.builds(
    Picture,
    title=texts,
    unit=st.text(max_size=20),
    points=st.lists(st.tuples(moments, values), max_size=8).map(tuple),
    limit=st.none() | values,
)
any_message = st.builds(
    Message,
    key=st.text(min_size=1, max_size=100),
    kind=st.sampled_from(MessageKind),
    severity=st.sampled_from(Severity),
    at=moments,
    title=texts,
    summary=texts,
    alerts=st.lists(lines, max_size=4).map(tuple)
    | st.tuples(lines, st.integers(5, 600)).map(lambda pair: (pair[0],) * pair[1]),
    more=st.integers(0, 10**6),
    actions=st.lists(texts, max_size=30).map(tuple),
    runbook=addresses,
    acknowledge=addresses,
    console=addresses,
    level=st.integers(1, 3),
    picture=st.none() | pictures,
)
