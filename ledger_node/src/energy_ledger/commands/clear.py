"""`clear`: computes the clearing of a book of orders, and proves it, without a ledger."""

from argparse import ArgumentParser, Namespace

from energy_ledger.commands.files import read_bytes
from energy_ledger.commands.output import CommandError, result_json
from energy_ledger.market.book import BookError

NAME = "clear"
HELP = "clear a book of orders given in a file"


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", metavar="FILE", help="the orders as JSON, - for standard input")


def run(arguments: Namespace) -> int:
    """Print the clearing; exit 2 for a file that is no book."""
    from energy_ledger.market.commands import clear_text  # the solver takes a while to load

    try:
        result_json(clear_text(read_bytes(arguments.file)))
    except BookError as error:
        raise CommandError(str(error), 2) from None
    return 0
