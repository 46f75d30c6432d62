"""gzip for what is worth it. Scripts and styles are compressed once and kept."""

import gzip
from functools import lru_cache

from flask import Flask, Response, request

SMALLEST = 1024  # bytes; less is not worth the header
KINDS = ("text/", "application/json", "application/javascript", "application/geo+json")
LEVEL = 6


def compress(server: Flask) -> None:
    """Installs compression on a server."""
    server.after_request(compressed)


def compressed(response: Response) -> Response:
    """The response, gzipped where the browser takes it and it pays."""
    response.headers.add("Vary", "Accept-Encoding")
    if not _worthwhile(response):
        return response
    response.direct_passthrough = False
    body = response.get_data()
    if len(body) < SMALLEST:
        return response
    lasting = request.path.startswith(("/_dash-component-suites/", "/assets/"))
    response.set_data(_kept(body) if lasting else gzip.compress(body, 4))
    response.headers["Content-Encoding"] = "gzip"
    return response


@lru_cache(maxsize=64)
def _kept(body: bytes) -> bytes:
    return gzip.compress(body, LEVEL)


def _worthwhile(response: Response) -> bool:
    return (
        "gzip" in request.headers.get("Accept-Encoding", "")
        and response.status_code == 200
        and "Content-Encoding" not in response.headers
        and (response.mimetype or "").startswith(KINDS)
    )
