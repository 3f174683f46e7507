"""What a node must remember besides key and ledger, in a file, as a backup holds no database."""

import logging
from typing import Final, Self

import msgspec

from energy_ledger.node.joining import ADMISSION
from energy_ledger.node.neighbours import PEERS
from energy_ledger.storage.directory import DataDirectory, write_atomically
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.writer import Writer

_FACTS: Final = (PEERS, ADMISSION)

_LOG = logging.getLogger(__name__)


class Configuration(msgspec.Struct, frozen=True):
    """Hashes of tokens by holder, and facts by name, in hex."""

    tokens: dict[str, str] = {}
    facts: dict[str, str] = {}

    @classmethod
    def read(cls, directory: DataDirectory) -> Self:
        """Read the file; nothing is configured where there is none."""
        try:
            return msgspec.json.decode(directory.configuration.read_bytes(), type=cls)
        except FileNotFoundError:
            return cls()
        except (OSError, msgspec.MsgspecError) as error:
            _LOG.warning(
                "%s cannot be read, tokens and peers must be given anew: %s", directory.configuration, error
            )
            return cls()

    def write(self, directory: DataDirectory) -> None:
        """Write the file, if it says something else."""
        if self != Configuration.read(directory):
            write_atomically(directory.configuration, msgspec.json.encode(self).decode())

    def stored_facts(self) -> dict[str, bytes]:
        """Return the facts as a database keeps them."""
        return {name: bytes.fromhex(value) for name, value in self.facts.items() if name in _FACTS}

    def write_tokens(self, writer: Writer) -> None:
        """Give a database the tokens."""
        for holder, token in self.tokens.items():
            writer.set_token(holder, bytes.fromhex(token))


def of(reader: Reader) -> Configuration:
    """Return what a database holds of it."""
    tokens = {holder: token.hex() for holder, token in reader.tokens().items()}
    facts = {name: value.hex() for name in _FACTS if (value := reader.fact(name)) is not None}
    return Configuration(tokens, facts)
