"""The wallet's phrase: 24 English words by BIP-39, without passphrase."""

import hashlib
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

WORD_COUNT = 24
_ENTROPY_BYTES = 32


class PhraseError(ValueError):
    """A phrase that is not one; `code` is one of `word_count`, `unknown_word`, `checksum`.

    `position` counts from 1, `word` is what stands there, `suggestions` are words of the list that look
    alike.
    """

    def __init__(
        self, code: str, message: str, *, position: int = 0, word: str = "", suggestions: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.position = position
        self.word = word
        self.suggestions = suggestions


@cache
def word_list() -> tuple[str, ...]:
    """Return the 2,048 words of BIP-39, in their order."""
    return tuple(files(__package__).joinpath("english.txt").read_text("ascii").split())


def from_entropy(entropy: bytes) -> tuple[str, ...]:
    """Return the words of 32 random bytes; the last word carries the checksum."""
    if len(entropy) != _ENTROPY_BYTES:
        raise ValueError(f"a phrase of {WORD_COUNT} words holds {_ENTROPY_BYTES} bytes, not {len(entropy)}")
    number = int.from_bytes(entropy + hashlib.sha256(entropy).digest()[:1])
    words = word_list()
    return tuple(words[number >> 11 * place & 2047] for place in reversed(range(WORD_COUNT)))


def parse(text: str) -> tuple[str, ...]:
    """Return the words of a phrase as a person typed it: capitals, line breaks and spaces do not matter.

    Raises:
        PhraseError: naming the word that is wrong, or that the words do not belong together.

    """
    words = tuple(text.lower().split())
    if len(words) != WORD_COUNT:
        raise PhraseError("word_count", f"a phrase has {WORD_COUNT} words, this one has {len(words)}")
    number = 0
    for position, word in enumerate(words, 1):
        number = number << 11 | _index(position, word)
    if from_entropy((number >> 8).to_bytes(_ENTROPY_BYTES)) != words:
        raise PhraseError(
            "checksum", "each word exists, but together they are no phrase: a word is wrong or out of place"
        )
    return words


def master_secret(words: tuple[str, ...]) -> bytes:
    """Return the 64 bytes from which every key of the wallet is derived (2,048 rounds: some milliseconds)."""
    return hashlib.pbkdf2_hmac("sha512", " ".join(words).encode("ascii"), b"mnemonic", 2048, 64)


@cache
def _positions() -> dict[str, int]:
    return {word: index for index, word in enumerate(word_list())}


def _index(position: int, word: str) -> int:
    index = _positions().get(word)
    if index is not None:
        return index
    suggestions = tuple(get_close_matches(word, word_list(), n=3))
    hint = f"; did you mean {' or '.join(suggestions)}?" if suggestions else ""
    raise PhraseError(
        "unknown_word",
        f"word {position}, {word!r}, is not in the word list{hint}",
        position=position,
        word=word,
        suggestions=suggestions,
    )
