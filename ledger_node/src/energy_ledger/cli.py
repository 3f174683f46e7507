"""The command line `energy-ledger`."""

import argparse
import sys
from importlib.metadata import version

from energy_ledger.commands import ALL
from energy_ledger.commands.output import CommandError, complaint


def main(words: list[str] | None = None) -> int:
    """Run the command that the words name; return the exit status."""
    arguments = _parser().parse_args(words)
    try:
        return int(arguments.run(arguments))
    except CommandError as error:
        complaint(str(error))
        return error.status
    except KeyboardInterrupt:
        return 130


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
