"""The chain of models in a SunSpec device.

Source: SunSpec Device Information Model Specification. A device keeps the marker `SunS` at word 40000, 50000
or 0 of its holding registers; behind it follow models, each with its id and length, until the id 0xFFFF.
Offsets of points count from the model's id. Model 1 says who made the device: maker at 2, product at 18
(texts of 16 words). Model 160 lists the direct current inputs, each with a name.
"""

from dataclasses import dataclass

from ..readings import MeterError, MeterNonsenseError
from ..registers import RegisterReader
from .identity import decode_text

COMMON = 1
INPUTS = 160
STORAGE = 713
_BASES = (40000, 50000, 0)
_MARKER = [0x5375, 0x6E53]
_END = 0xFFFF
_MOST_MODELS = 100
_TEXT_WORDS = 16
_COUNT_OF_INPUTS = 8
_FIRST_INPUT = 10
_INPUT_WORDS = 20
_MOST_INPUTS = 24


@dataclass(frozen=True, slots=True)
class Model:
    """A model of a device: which one, where its id stands, how many words follow id and length."""

    id: int
    address: int
    length: int


async def read_chain(reader: RegisterReader) -> tuple[Model, ...]:
    """Return the models of a device in their order; a chain that breaks off ends there.

    Raises:
        MeterUnreachableError: it does not answer.
        MeterNonsenseError: it is no SunSpec device.

    """
    address = await _base(reader) + len(_MARKER)
    models: list[Model] = []
    while len(models) < _MOST_MODELS:
        try:
            model, length = await reader.read_holding(address, 2)
        except MeterNonsenseError:
            break
        if model == _END:
            break
        models.append(Model(model, address, length))
        address += 2 + length
    return tuple(models)


async def describe(reader: RegisterReader, chain: tuple[Model, ...]) -> str:
    """Return maker and product of a device, and whether it has a storage; "" where it does not say."""
    common = next((model for model in chain if model.id == COMMON), None)
    if common is None:
        return ""
    words = await reader.read_holding(common.address + 2, 2 * _TEXT_WORDS)
    texts = (decode_text(words[:_TEXT_WORDS]), decode_text(words[_TEXT_WORDS:]))
    storage = " (with storage)" if any(model.id == STORAGE for model in chain) else ""
    return " ".join(text for text in texts if text) + storage


async def read_inputs(reader: RegisterReader, model: Model) -> tuple[tuple[str, int], ...]:
    """Return name and address of each direct current input of model 160.

    Raises:
        MeterError: it does not answer, or says that it has more inputs than the model has room for.

    """
    (count,) = await reader.read_holding(model.address + _COUNT_OF_INPUTS, 1)
    if count > min(_MOST_INPUTS, (model.length + 2 - _FIRST_INPUT) // _INPUT_WORDS):
        raise MeterNonsenseError(
            f"the SunSpec device says that it has {count} inputs; there is no room for them"
        )
    inputs: list[tuple[str, int]] = []
    for number in range(count):
        address = model.address + _FIRST_INPUT + number * _INPUT_WORDS
        inputs.append((decode_text(await reader.read_holding(address + 1, 8)), address))
    return tuple(inputs)


async def _base(reader: RegisterReader) -> int:
    refusal: MeterError | None = None
    for base in _BASES:
        try:
            if await reader.read_holding(base, 2) == _MARKER:
                return base
        except MeterNonsenseError as error:
            refusal = error
    raise MeterNonsenseError("this is no SunSpec device: the marker is at none of its places") from refusal
