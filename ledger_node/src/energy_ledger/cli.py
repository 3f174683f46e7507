"""The command line `energy-ledger`."""

import argparse
import os
import sys
from importlib.metadata import version

from energy_ledger.commands import ALL
from energy_ledger.commands.output import CommandError, complaint
from energy_ledger.storage.database import StorageError
from energy_ledger.storage.directory import DirectoryError

_BROKEN_PIPE = 141
"""What a shell reports of a program that wrote to a reader who had gone."""


def main(words: list[str] | None = None) -> int:
    """Run the command that the words name; return the exit status."""
    arguments = _parser().parse_args(words)
    try:
        return int(arguments.run(arguments))
    except CommandError as error:
        complaint(str(error))
        return error.status
    except (DirectoryError, StorageError) as error:
        complaint(str(error))
    except BrokenPipeError:
        _let_go_of_output()
        return _BROKEN_PIPE
    except OSError as error:
        _let_go_of_output()
        complaint(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
    except KeyboardInterrupt:
        return 130
    return 1


def _let_go_of_output() -> None:
    """Point standard output nowhere, or the interpreter would stumble over it once more at its end."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="energy-ledger", description="The neighbourhood's ledger node and its tools."
    )
    parser.add_argument("--version", action="version", version=version("energy-ledger"))
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in ALL:
        one = commands.add_parser(command.NAME, help=command.HELP, description=command.__doc__)
        command.configure(one)
        one.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
