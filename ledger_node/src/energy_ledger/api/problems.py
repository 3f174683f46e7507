"""Errors as clients see them: `application/problem+json`, each with a code and a sentence for a person."""

import logging
import secrets
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

_LOG = logging.getLogger(__name__)

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STATUSES = {
    "bad_request": (400, "The request cannot be understood"),
    "unauthorized": (401, "A token is needed"),
    "forbidden": (403, "This token may not do that"),
    "not_found": (404, "There is nothing here"),
    "unknown_account": (404, "There is no such account"),
    "unknown_asset": (404, "There is no such asset"),
    "unknown_order": (404, "There is no such order"),
    "unknown_redemption": (404, "There is no such redemption"),
    "unknown_round": (404, "There is no such round"),
    "method_not_allowed": (405, "This path does not take that method"),
    "cursor_unknown": (410, "The events there are not known to this node"),
    "pruned": (410, "This node no longer keeps it"),
    "already_set_up": (409, "This node already has a network"),
    "hybrid_unavailable": (409, "This node cannot check the network's signatures"),
    "not_set_up": (409, "This node has no network yet"),
    "not_certified": (409, "No quorum has vouched for it yet"),
    "too_large": (413, "The request is too large"),
    "refused": (422, "The request was refused"),
    "too_many_requests": (429, "Too many requests"),
    "internal": (500, "The node made a mistake"),
    "stopped": (503, "The node has stopped"),
}
"""Every code of a problem with its HTTP status and title; a code from the ledger counts as `refused`."""

_BY_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
}


class ProblemBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """The JSON object of a problem."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None


class ProblemError(Exception):
    """An answer that is a refusal: a code, a sentence that says what to do, and the place it concerns."""

    def __init__(
        self, code: str, detail: str, field: str | None = None, retry_after_s: int | None = None
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.field = field
        self.retry_after_s = retry_after_s

    def body(self) -> ProblemBody:
        """Return what the client gets to read."""
        status, title = STATUSES.get(self.code, STATUSES["refused"])
        return ProblemBody(
            f"urn:energy-ledger:problem:{self.code}", title, status, str(self), self.code, self.field
        )

    def response(self) -> web.Response:
        """Return the HTTP answer."""
        body = self.body()
        headers = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        if body.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return web.Response(
            body=msgspec.json.encode(body),
            status=body.status,
            content_type="application/problem+json",
            headers=headers,
        )


def nothing(kind: str, key: str, begins: str = "") -> ProblemError:
    """Return the problem that there is no such thing; `begins` says what is kept, if not everything."""
    code = f"unknown_{kind}"
    detail = f"there is no {kind} {key} here" + (f"; {begins}" if begins else "")
    return ProblemError(code if code in STATUSES else "not_found", detail)


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error below into a problem; one that nobody expected gets a number that the log has too."""
    try:
        return await handler(request)
    except ProblemError as problem:
        return problem.response()
    except web.HTTPException as error:
        return _translated(request, error).response()
    except web.RequestPayloadError:
        return ProblemError("bad_request", "the body is not encoded as its header says").response()
    except ConnectionError, TimeoutError:
        raise
    except Exception:
        number = secrets.token_hex(4)
        _LOG.exception("unexpected error %s at %s %s", number, request.method, request.path)
        detail = f"something unexpected happened; the node's log has the details under {number}"
        return ProblemError("internal", detail).response()


def _translated(request: web.Request, error: web.HTTPException) -> ProblemError:
    details = {
        404: f"there is no path {request.path}",
        405: f"{request.path} does not take {request.method}",
        413: "the body is longer than this node reads; send fewer transactions at a time",
    }
    return ProblemError(_BY_STATUS.get(error.status, "bad_request"), details.get(error.status, error.reason))
