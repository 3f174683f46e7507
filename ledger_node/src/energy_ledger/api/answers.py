"""What each path answers, one small function per path."""

from collections.abc import Awaitable, Callable
from typing import cast

import msgspec

from energy_ledger.api import statements, types
from energy_ledger.api.auth import Role
from energy_ledger.api.certificate_table import WRITERS as CERTIFICATE_WRITERS
from energy_ledger.api.documents import CSV, JSON, Document
from energy_ledger.api.paging import take_window
from energy_ledger.api.ports import Call, Kind
from energy_ledger.api.problems import ProblemError, nothing
from energy_ledger.units import INT64_MAX

MAX_TRANSACTIONS = 1_000
"""Most transactions in one request."""

type Answer = Callable[[Call], Awaitable[object]]

_setup_decoder = msgspec.json.Decoder(types.SetupRequest)
_many = msgspec.json.Decoder(list[msgspec.Raw])


async def health(call: Call) -> types.Health:
    """Answer whether the node runs."""
    return call.node.health()


def health_status(health: object) -> int:
    """Return the HTTP status that goes with a health: watchdogs look at nothing else."""
    return 503 if isinstance(health, types.Health) and health.status == "stopped" else 200


async def setup_state(call: Call) -> types.SetupState:
    """Answer whether the node has a network."""
    return call.node.setup_state()


async def set_up(call: Call) -> types.SetupAnswer:
    """Found the network, or let a member in."""
    asked = _decode(_setup_decoder, call.body)
    match asked:
        case types.SetupRequest(found=types.Envelope() as genesis, join=None):
            if call.role is not Role.OPERATOR:
                raise ProblemError(
                    "forbidden", "founding needs this node's setup token; it is in its data directory"
                )
            return await call.node.found(genesis)
        case types.SetupRequest(found=None, join=str() as invite):
            return await call.node.join(invite)
    raise ProblemError("bad_request", "say either `found` with a signed genesis or `join` with an invite")


async def network(call: Call) -> types.Network:
    """Answer what the network is and how it does."""
    return await call.node.network()


def one(kind: Kind) -> Answer:
    """Return the answer of a path that names one row of a kind."""

    async def answer(call: Call) -> object:
        return _known(await call.node.one(kind, call.key), kind, call.key)

    return answer


def provable(kind: Kind) -> Answer:
    """Return the answer of a path that names one row of a kind, and proves it when asked."""

    async def answer(call: Call) -> object:
        ask = call.node.proven if call.query.get("proof") == "1" else call.node.one
        return _known(await ask(kind, call.key), kind, call.key)

    return answer


def _known[T](row: T | None, kind: Kind, key: str) -> T:
    """Return a row that is there; raises ProblemError when it is not."""
    if row is None:
        raise nothing(kind, key)
    return row


def many(kind: Kind) -> Answer:
    """Return the answer of a path that lists the rows of a kind."""

    async def answer(call: Call) -> object:
        window = take_window(call.query)
        return await call.node.page(kind, call.query, window)

    return answer


async def certificates(call: Call) -> object:
    """Answer a page of certificates, with EnergyTag's names as a table or as JSON if asked for."""
    write = CERTIFICATE_WRITERS.get(str(call.query.pop("format", "json")))
    window = take_window(call.query)
    page = cast("types.Page[types.Certificate]", await call.node.page("certificate", call.query, window))
    if write is None:
        return page
    return write(page, (await call.node.network()).parameters.slot_s)


async def green(call: Call) -> types.Green:
    """Answer where the energy came from that an account or asset bought."""
    parties = [(kind, str(call.query[kind])) for kind in ("account", "asset") if kind in call.query]
    if len(parties) != 1:
        raise ProblemError("bad_request", "name either an `account` or an `asset`")
    if "from" not in call.query or "until" not in call.query:
        raise ProblemError("bad_request", "say `from` which slot on and `until` which, without it")
    return await call.node.green(parties[0], int(call.query["from"]), int(call.query["until"]))


async def audit(call: Call) -> object:
    """Answer the events that concern an asset: a page, a page with its proof, or all of them as a file."""
    window = take_window(call.query)
    if call.query.get("export") == "1":
        body = _known(await call.node.export_audit(call.key), "asset", call.key)
        return Document(body, JSON, f"audit-{call.key[:12]}.json")
    if call.query.get("proof") == "1":
        return _known(await call.node.proven_audit(call.key, window), "asset", call.key)
    return await call.node.audit(call.key, window)


def _span(call: Call) -> tuple[int, int]:
    """Return the span that a client asks for. Raises ProblemError when it is left out."""
    first, end = call.query.get("from"), call.query.get("until")
    if not isinstance(first, int) or not isinstance(end, int):
        raise ProblemError("bad_request", "say `from` and `until`", "from")
    return first, end


async def district(call: Call) -> types.District:
    """Answer how the district did in a span of days."""
    return await call.node.district(*_span(call))


async def feeders(call: Call) -> list[types.FeederDay]:
    """Answer how the feeders' own meters compare with their members."""
    return await call.node.feeders(*_span(call))


async def allotments(call: Call) -> object:
    """Answer what the sharing key made of a span of slots, as a list or as a file."""
    first, end = _span(call)
    if call.query.get("format") == "csv":
        body = await call.node.allotments_csv(first, end)
        return Document(body, CSV, f"allotments-{first}-{end}.csv")
    return await call.node.allotments(first, end)


async def statement(call: Call) -> object:
    """Answer what moved an account's money over a time, as JSON or as a file."""
    since, until = call.query.get("from", 0), call.query.get("until", INT64_MAX)
    if not isinstance(since, int) or not isinstance(until, int) or since > until:
        raise ProblemError("bad_request", "`until` must not be before `from`", "until")
    found = _known(await call.node.statement(call.key, since, until), "account", call.key)
    write = statements.WRITERS.get(str(call.query.get("format", "json")))
    return found if write is None else write(found)


async def dag(call: Call) -> types.Dag:
    """Answer the latest rounds of the DAG."""
    return await call.node.dag()


async def peers(call: Call) -> types.Page[types.Peer]:
    """Answer who is linked, and which validators are not."""
    return await call.node.peers()


async def submit(call: Call) -> types.Submitted | list[types.Submitted]:
    """Take one transaction or a list of them."""
    if not call.body.lstrip().startswith(b"["):
        return (await call.node.submit([call.body]))[0]
    asked = _decode(_many, call.body)
    if not 1 <= len(asked) <= MAX_TRANSACTIONS:
        raise ProblemError(
            "bad_request", f"a list holds 1 to {MAX_TRANSACTIONS} transactions, this one {len(asked)}"
        )
    return await call.node.submit([bytes(one) for one in asked])


def _decode[T](decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError("bad_request", f"the body does not fit: {error}") from None
