"""Asks a program over HTTP and reads its answer, whatever the status."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def call(url: str, method: str, body: Any = None, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    """Ask; return status and document, a list of them where the answer is NDJSON."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
    try:
        with urlopen(request, timeout=30) as answer:
            status, text = answer.status, answer.read().decode()
            if answer.headers.get_content_type() == "application/x-ndjson":
                return status, [json.loads(line) for line in text.splitlines()]
    except HTTPError as error:
        status, text = error.code, error.read().decode()
    return status, json.loads(text) if text else None
