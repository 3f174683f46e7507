"""`verify`: replays the whole database from the genesis, and compares every signature, root and row."""

import time
from argparse import ArgumentParser, Namespace

from energy_ledger.commands.options import add_data, add_json, directory
from energy_ledger.commands.output import CommandError, progress, progress_over, result, result_json
from energy_ledger.node.comparing import WrongError
from energy_ledger.node.verify import Report, verify
from energy_ledger.refusals import Refused
from energy_ledger.storage.database import DamagedError, StorageError

NAME = "verify"
HELP = "check the whole database from the genesis on"


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_data(parser)
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Print what was found; exit 0 when all is good, 1 when not, 2 when there is nothing to check."""
    path = directory(arguments).database
    if not path.exists():
        raise CommandError(f"there is no ledger in {arguments.data}", 2)
    started = time.monotonic()
    try:
        report = verify(path, _show)
    except (WrongError, DamagedError) as error:
        progress_over()
        return _say_wrong(str(error), as_json=arguments.json)
    except Refused as refused:
        raise CommandError(refused.message, 2) from None
    except StorageError as error:
        raise CommandError(str(error), 2) from None
    progress_over()
    seconds = time.monotonic() - started
    if arguments.json:
        result_json({"valid": True, **_fields(report), "seconds": round(seconds, 3)})
    else:
        begin = f" From commit {report.start} on, older history is not here." if report.start else ""
        result(
            f"All is good: {report.commits} commits of {report.blocks} blocks with {report.transactions} "
            f"transactions lead to state root {report.state_root} ({seconds:.1f} s).{begin}"
        )
    return 0


def _fields(report: Report) -> dict[str, object]:
    return {name: getattr(report, name) for name in report.__struct_fields__}


def _say_wrong(reason: str, *, as_json: bool) -> int:
    if as_json:
        result_json({"valid": False, "reason": reason})
    else:
        result(f"The database is wrong: {reason}.")
    return 1


def _show(done: int, total: int) -> None:
    if done % 500 == 0 or done == total:
        progress(f"block {done} of {total}")
