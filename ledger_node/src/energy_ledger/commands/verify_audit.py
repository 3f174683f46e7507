"""`verify-audit`: checks the exported log of an asset, offline and with nothing but the file."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from energy_ledger.commands.files import read_bytes
from energy_ledger.commands.options import add_json
from energy_ledger.commands.output import CommandError, result, result_json
from energy_ledger.node.audit_check import NoExportError, Report, WrongExportError, check

NAME = "verify-audit"
HELP = "check the exported log of an asset"


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", metavar="FILE", help="what the node exported, - for standard input")
    parser.add_argument("--network", metavar="ID", help="the network that it must be of")
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Print the verdict; exit 0 when the log is proven, 1 when not, 2 when the file is no exported log."""
    try:
        report = check(read_bytes(arguments.file), arguments.network)
    except NoExportError as error:
        raise CommandError(str(error), 2) from None
    except WrongExportError as error:
        _say_wrong(str(error), as_json=arguments.json)
        return 1
    if arguments.json:
        result_json({"valid": True, **{name: getattr(report, name) for name in report.__struct_fields__}})
    else:
        result(_sentence(report))
    return 0


def _sentence(report: Report) -> str:
    until = datetime.fromtimestamp(report.time / 1000, UTC).isoformat(timespec="seconds")
    return (
        f"All is good: these {report.events} events are the whole log of asset {report.asset} in the network "
        f"{report.name} ({report.network}) until commit {report.commit} of {until}."
    )


def _say_wrong(reason: str, *, as_json: bool) -> None:
    if as_json:
        result_json({"valid": False, "reason": reason})
    else:
        result(f"The log is not proven: {reason}.")
