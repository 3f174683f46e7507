"""`replay-dag`: runs the bare commit rule on a DAG in a file."""

from argparse import ArgumentParser, Namespace

from energy_ledger.commands.files import read_text
from energy_ledger.commands.output import CommandError, result_json
from energy_ledger.dag.replay import ReplayError, replay_dag

NAME = "replay-dag"
HELP = "decide and order a DAG given in a file"


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", metavar="FILE", help="the DAG as JSON, - for standard input")


def run(arguments: Namespace) -> int:
    """Print decisions and sequence; exit 2 for a file that is no DAG."""
    try:
        result_json(replay_dag(read_text(arguments.file)))
    except ReplayError as error:
        raise CommandError(str(error), 2) from None
    return 0
