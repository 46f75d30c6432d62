"""What stands in front of every request: who may ask, what a browser may load, no tracebacks."""

import logging
import secrets
from urllib.parse import urlsplit

from dash import Dash
from flask import Flask, Response, abort, request
from werkzeug.exceptions import HTTPException

log = logging.getLogger(__name__)
LARGEST_BODY = 2 * 2**20  # bytes; a callback's question is a few kilobytes
SAFE = ("GET", "HEAD", "OPTIONS")


def protect(app: Dash) -> None:
    """Installs all of it. Call it after the last callback: the policy holds their hashes."""
    server = app.server
    server.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    policy = content_policy(app.csp_hashes())
    server.before_request(refuse_cross_site)
    server.before_request(lambda: refuse_malformed(set(app.callback_map)))
    server.after_request(lambda response: add_headers(response, policy))
    _plain_errors(server)


def content_policy(script_hashes: list[str]) -> str:
    """Everything from this host only. Styles are inline because the components set them so."""
    rules = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *script_hashes]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def refuse_cross_site() -> None:
    """403 for a POST that another site's page makes a browser send.

    A browser sends Origin with every cross-site POST; a program without one is no browser
    and has nothing of the user's to abuse.
    """
    if request.method in SAFE:
        return
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        abort(403)
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        abort(403)


def refuse_malformed(callbacks: set[str]) -> None:
    """400 for a callback's question that no page of ours would ask."""
    if request.path != "/_dash-update-component" or request.method != "POST":
        return
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or body.get("output") not in callbacks:
        abort(400)
    parts = [*_list(body, "inputs"), *_list(body, "state")]
    if not all(isinstance(part, dict | list) for part in parts):
        abort(400)


def _list(body: dict[str, object], name: str) -> list[object]:
    found = body.get(name, [])
    return found if isinstance(found, list) else [found]


def add_headers(response: Response, policy: str) -> Response:
    """The same headers on every response, errors included."""
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    if request.path.startswith("/_dash-") and "component-suites" not in request.path:
        response.headers["Cache-Control"] = "no-store"
    return response


def incident(error: Exception) -> str:
    """Writes the traceback to the log under a number, and returns the number."""
    number = secrets.token_hex(4)
    log.error("incident %s", number, exc_info=error)
    return number


def _plain_errors(server: Flask) -> None:
    @server.errorhandler(Exception)
    def refuse(error: Exception) -> Response:
        if isinstance(error, HTTPException):
            text = f"{error.code} {error.name}"
            return Response(text, status=error.code or 500, mimetype="text/plain")
        text = f"500 Internal Server Error (incident {incident(error)})"
        return Response(text, status=500, mimetype="text/plain")
