"""`verify-disclosure`: checks meter registers that a home showed somebody, offline."""

from argparse import ArgumentParser, Namespace
from typing import Final, Literal

from msgspec import to_builtins

from energy_ledger.commands.files import read_bytes
from energy_ledger.commands.options import add_json
from energy_ledger.commands.output import result, result_json
from energy_ledger.genesis import read_genesis
from energy_ledger.node import audit_check, disclosure_check
from energy_ledger.node.audit_check import NoExportError, WrongExportError
from energy_ledger.node.disclosure_check import Finding, WrongDisclosureError

NAME = "verify-disclosure"
HELP = "check registers that a home showed against what it attested"

_TRADED: Final[Literal["traded", "net"]] = "traded"


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="what the home showed, - for standard input; of several, the registers must go on",
    )
    parser.add_argument("--audit", metavar="EXPORT", help="the exported log of the connection point")
    parser.add_argument("--network", metavar="ID", help="the network that the log must be of")
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Print what the registers say; exit 0 when they are what was committed to, 1 when not."""
    try:
        findings = _check(arguments)
    except (WrongDisclosureError, NoExportError, WrongExportError) as error:
        if arguments.json:
            result_json({"valid": False, "reason": str(error)})
        else:
            result(f"This is not proven: {error}.")
        return 1
    if arguments.json:
        rows = [to_builtins(finding) for finding in findings]
        result_json({"valid": True} | (rows[0] if len(rows) == 1 else {"slots": rows}))
    else:
        result("\n".join(map(_sentence, findings)))
    return 0


def _check(arguments: Namespace) -> list[Finding]:
    shown = [read_bytes(file) for file in arguments.files]
    log, readings = None, _TRADED
    if arguments.audit is not None:
        log = audit_check.read(read_bytes(arguments.audit))
        audit_check.check_file(log, arguments.network)
        readings = read_genesis(log.genesis).rules.readings
    findings = [disclosure_check.check(one, log, readings) for one in shown]
    disclosure_check.check_order(shown)
    return findings


def _sentence(finding: Finding) -> str:
    said = f"In slot {finding.slot} the meter took {finding.imported_wh} Wh and gave {finding.exported_wh} Wh"
    if finding.attested:
        return f"{said}, and that is what its reading in the ledger committed to."
    return f"{said}. Compare with the commitment of its reading in the ledger: {finding.commitment}"
