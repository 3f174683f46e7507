"""The commands of `energy-ledger`, one module each."""

from argparse import ArgumentParser, Namespace
from typing import Protocol

from energy_ledger.commands import (
    clear,
    dag,
    found,
    invite,
    join,
    keys,
    node,
    snapshot,
    status,
    tokens,
    verify,
    verify_audit,
    verify_clearing,
    verify_disclosure,
    vote,
)


class Command(Protocol):
    """What a command's module has."""

    NAME: str
    HELP: str
    __doc__: str | None

    def configure(self, parser: ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, arguments: Namespace) -> int:
        """Do it; return the exit status."""


ALL: tuple[Command, ...] = (
    node,
    found,
    invite,
    join,
    vote,
    status,
    keys,
    tokens,
    snapshot,
    verify,
    verify_audit,
    clear,
    verify_clearing,
    verify_disclosure,
    dag,
)
