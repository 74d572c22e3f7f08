"""What the description says that types do not: forms, files, and how refusals look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ninja import NinjaAPI

from pktmask_site.api import shapes
from pktmask_site.api.problems import CONTENT_TYPE
from trimming.giving import PCAP_TYPE
from trimming.uploads import UPLOAD_FIELD

# what may happen to every request with a token
COMMON: Final = (400, 401, 403, 414, 429)
REFUSED: Final = "A refusal"
ROOT: Final = "/api/v1/"
# every answer has them; the second one is of those that say to wait
REQUEST_ID: Final = {
    "X-Request-ID": {
        "description": "the id of the request in the logs",
        "schema": {"type": "string"},
    }
}
RETRY: Final = {
    "Retry-After": {
        "description": "in so many seconds; missing where it is not known",
        "schema": {"type": "integer"},
    }
}
UPLOAD_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [UPLOAD_FIELD, "profile"],
                    "properties": {
                        UPLOAD_FIELD: {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                            "description": "pcap or pcapng, plain or packed by gzip or zstandard",
                        },
                        "profile": {
                            "type": "string",
                            "description": "the name of one of `profiles`",
                        },
                        "strategy": {
                            "type": "string",
                            "description": "the name of a strategy, for roles that may choose",
                        },
                        "priority": {
                            "type": "string",
                            "enum": ["-1", "0", "1"],
                            "description": "low, normal, high, for roles that may choose",
                        },
                    },
                }
            }
        },
    }
}


def refusals(*codes: int) -> dict[int, Any]:
    """Return the shapes of refusals with these codes, and of those that are always possible."""
    return dict.fromkeys(sorted({*codes, *COMMON}), shapes.Problem)


def result_file() -> dict[int, Any]:
    """Return what a download answers with."""
    return {
        200: {
            "description": "The trimmed capture",
            "content": {PCAP_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        },
        302: {
            "description": "Where it is given away",
            "headers": {"Location": {"schema": {"type": "string"}}},
        },
    }


class DescribedAPI(NinjaAPI):
    """Describes itself as it is: refusals have a type of their own."""

    def get_openapi_schema(self, **options: Any) -> Any:
        """Return the description as plain values."""
        found = super().get_openapi_schema(**{**options, "path_prefix": ROOT})
        for path in found["paths"].values():
            for operation in path.values():
                _mend(operation["responses"])
        return found


def _mend(responses: Mapping[Any, Any]) -> None:
    for code, answer in responses.items():
        answer.setdefault("headers", {}).update(REQUEST_ID)
        if int(code) < 400:
            continue
        # the words for a code change with the version of Python
        answer["description"] = REFUSED
        if int(code) == 429:
            answer["headers"].update(RETRY)
        (shape,) = answer["content"].values()
        answer["content"] = {CONTENT_TYPE: shape}
