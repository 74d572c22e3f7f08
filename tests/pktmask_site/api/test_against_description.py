"""The API does what its description says, whatever is sent: schemathesis makes it up."""

from __future__ import annotations

from typing import Any, Final

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pytest_django import Settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from pktmask_site.api import access
from pktmask_site.api.conf import ApiSettings
from pktmask_site.api.root import api
from tests.factories import capture_bytes, make_job, make_user
from tests.pktmask_site.api.scripts import V1, bearer, issued_to
from tests.trimming.results import finish

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.no_cover,
    # streams are written for a server that does not wait
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous"),
]
FEW: Final = 12
MANY: Final = 1000
MODES: Final = tuple(GenerationMode)
LABELS: Final = sorted(
    f"{method.upper()} {path}"
    for path, operations in api.get_openapi_schema()["paths"].items()
    for method in operations
)
load_all_checks()
# whether a file is a capture, and a profile is offered, no description can say: test_captures.py
UPLOAD: Final = f"POST {V1}captures"
# and bytes put in by hand are no text, which JSON schema means
NOT_DESCRIBED: Final = {
    (UPLOAD, GenerationMode.POSITIVE): ["positive_data_acceptance", "negative_data_rejection"]
}


@pytest.fixture
def ids() -> list[str]:
    """Captures: one that waits, one with a result, one of somebody else; and their owner's."""
    owner = make_user()
    waiting, done, other = make_job(owner), make_job(owner), make_job(make_user())
    finish(done)
    return [issued_to(owner), *(str(each.capture_id) for each in (waiting, done, other))]


def hold(label: str, mode: GenerationMode, ids: list[str], examples: int) -> None:
    """Send requests to one operation, and hold the answers against the description."""
    text, *captures = ids
    schema = schemathesis.openapi.from_wsgi(f"{V1}openapi.json", get_wsgi_application())
    found: list[Any] = [each.ok() for each in schema.get_all_operations()]  # type: ignore[union-attr]  # none is invalid
    (operation,) = [each for each in found if each.label == label]
    if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
        return
    excluded: list[Any] = [CHECKS.get_one(each) for each in NOT_DESCRIBED.get((label, mode), [])]
    cases = operation.as_strategy(generation_mode=mode)
    chosen = st.sampled_from(["", *captures])

    @settings(
        max_examples=examples,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, capture=chosen)
    def tried(case: Any, capture: str) -> None:
        if capture and mode is GenerationMode.POSITIVE:
            # what there is, and nobody makes up
            if "capture_id" in case.path_parameters:
                case.path_parameters["capture_id"] = capture
            if label == UPLOAD:
                case.body = {"files": [capture_bytes(capture.encode())], "profile": "standard"}
        # of these nothing is sent, so that nothing wrong arrives
        assume(all(value not in ([], {}) for value in (case.query or {}).values()))
        case.call_and_validate(headers=bearer(text), excluded_checks=excluded)

    tried()


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    limits = ApiSettings(requests_per_minute=100_000, address_attempts=1000)
    monkeypatch.setattr(access, "api_settings", lambda: limits)
    # as one that is installed has it
    settings.ALLOWED_HOSTS = ["*"]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", LABELS)
def test_answers_are_as_described(label: str, mode: GenerationMode, ids: list[str]) -> None:
    hold(label, mode, ids, FEW)


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", LABELS)
def test_a_thousand_answers_are_as_described(
    label: str, mode: GenerationMode, ids: list[str]
) -> None:
    hold(label, mode, ids, MANY)
