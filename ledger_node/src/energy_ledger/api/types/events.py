"""What commits brought about: the event stream and the assets' audit logs."""

from typing import Any

import msgspec


class Event(msgspec.Struct, frozen=True):
    """Something that a commit brought about; cursors rise by one."""

    cursor: int
    commit: int
    time: int
    type: str
    accounts: list[str]
    assets: list[str]
    transaction: str | None
    data: dict[str, Any]


class AuditItem(Event, frozen=True):
    """An event of an asset's log; `block` (id) brought its transaction into the order."""

    block: str | None


class AuditRow(msgspec.Struct, frozen=True):
    """How long an asset's log is, the digest that binds all of it, and the commit that last added to it."""

    asset: str
    commit: int
    count: int
    digest: str


class Hello(msgspec.Struct, frozen=True, tag_field="type", tag="hello"):
    """The first message on the event stream: the newest cursor and the ledger time."""

    cursor: int
    time: int
