"""`verify-clearing`: recomputes everything a clearing claims from its two files, without a solver."""

from argparse import ArgumentParser, Namespace

from energy_ledger.commands.files import read_bytes
from energy_ledger.commands.output import CommandError, result_json
from energy_ledger.market.book import BookError

NAME = "verify-clearing"
HELP = "check a clearing against its orders"


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("orders", metavar="ORDERS", help="the orders as JSON, - for standard input")
    parser.add_argument("result", metavar="RESULT", help="what `clear` printed")


def run(arguments: Namespace) -> int:
    """Print the verdict; exit 0 when the clearing is right, 1 when not, 2 when the orders are no book."""
    from energy_ledger.market.commands import verdict_json, verify_texts  # numpy takes a while to load

    try:
        verdict = verify_texts(read_bytes(arguments.orders), read_bytes(arguments.result))
    except BookError as error:
        raise CommandError(str(error), 2) from None
    result_json(verdict_json(verdict))
    return 0 if verdict.valid else 1
