"""SunSpec meters, inverters and their inputs, found by walking the chain of models.

Source: SunSpec Information Model Reference (models 1, 101-103, 111-113, 160, 201-204, 211-214) and the
DER information models (701, 713). Offsets count from a model's id:

- 201-204, meters with scale factors: 18 W, 22 its scale factor, 38 exported and 46 imported Wh, 54 their
  scale factor. 211-214, meters with floats: 28, 60, 68. Power is positive for import.
- 101-103, inverters with scale factors: 14 W, 15, 24 Wh, 26. 111-113, with floats: 22, 32. 701: 10 W, 116,
  19 injected and 23 absorbed Wh (64 bits), 120. Power is positive for what the inverter gives.
- 160, direct current inputs: 4 scale factor of W, 5 of Wh; of an input: 1 its name, 11 W, 12 Wh. Fronius
  inverters with a storage name its two directions "StCha" and "StDisCha" and list them with the strings.

Values that a device does not have: 0x8000 in int16 and scale factors, 0xFFFF in uint16, all bits set in
uint64, NaN in floats.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ..readings import MeterNonsenseError
from ..registers import Layout, Point, Register, RegisterReader, RegisterType, read_registers
from .identity import Certainty
from .sunspec_chain import INPUTS, Model, describe, read_chain, read_inputs

type Chain = tuple[Model, ...]
type Prepare = Callable[[RegisterReader, Chain], Awaitable[Layout | None]]

_GAP_WORDS = 40
_NO_INT16, _NO_UINT16, _NO_UINT64 = -0x8000, 0xFFFF, 2**64 - 1
_INTEGER_METERS, _FLOAT_METERS = range(201, 205), range(211, 215)
_INTEGER_INVERTERS, _FLOAT_INVERTERS = range(101, 104), range(111, 114)
_DER_MEASUREMENT = 701
_CHARGING, _DISCHARGING = "StCha", "StDisCha"


@dataclass(frozen=True, slots=True)
class SunSpecProfile:
    """One kind of thing that SunSpec devices measure: which models hold it, the device tells."""

    key: str
    name: str
    lacking: str
    """What a device without it has not."""
    find: Prepare

    @property
    def certainty(self) -> Certainty:
        """What recognising it is worth: the device says it itself."""
        return Certainty.CERTAIN

    async def recognise(self, reader: RegisterReader) -> str | None:
        """Return maker and product of a device that measures this; None for other devices."""
        try:
            chain = await read_chain(reader)
            found = await self.find(reader, chain)
            return None if found is None else await describe(reader, chain)
        except MeterNonsenseError:
            return None

    async def prepare(self, reader: RegisterReader) -> Layout:
        """Return where this device keeps its values.

        Raises:
            MeterUnreachableError: it does not answer.
            MeterNonsenseError: it is no SunSpec device, or does not measure this.

        """
        chain = await read_chain(reader)
        layout = await self.find(reader, chain)
        if layout is None:
            models = [model.id for model in chain]
            raise MeterNonsenseError(f"the SunSpec device has no {self.lacking}; its models are {models}")
        return layout


async def _meter(reader: RegisterReader, chain: Chain) -> Layout | None:
    del reader
    model = _first(chain, (*_INTEGER_METERS, *_FLOAT_METERS))
    if model is None:
        return None
    at = model.address
    if model.id in _FLOAT_METERS:
        return _layout(power=_float(at + 28), exported=_float(at + 60), imported=_float(at + 68))
    return _layout(
        power=_scaled(at + 18, "int16", at + 22, _NO_INT16),
        exported=_scaled(at + 38, "uint32", at + 54),
        imported=_scaled(at + 46, "uint32", at + 54),
    )


async def _inverter(reader: RegisterReader, chain: Chain) -> Layout | None:
    if model := _first(chain, (_DER_MEASUREMENT,)):
        return await _der(reader, model.address)
    if model := _first(chain, _FLOAT_INVERTERS):
        return _layout(power=_given(_float(model.address + 22)), exported=_float(model.address + 32))
    if model := _first(chain, _INTEGER_INVERTERS):
        at = model.address
        power = _scaled(at + 14, "int16", at + 15, _NO_INT16)
        return _layout(power=_given(power), exported=_scaled(at + 24, "uint32", at + 26))
    return None


async def _der(reader: RegisterReader, at: int) -> Layout:
    """Return the layout of model 701; a device that only gives does not count what it takes."""
    absorbed = _scaled(at + 23, "uint64", at + 120, _NO_UINT64)
    counts = absorbed.value(await read_registers(reader, absorbed.registers)) is not None
    return _layout(
        power=_given(_scaled(at + 10, "int16", at + 116, _NO_INT16)),
        exported=_scaled(at + 19, "uint64", at + 120, _NO_UINT64),
        imported=absorbed if counts else None,
    )


async def _strings(reader: RegisterReader, chain: Chain) -> Layout | None:
    inputs = await _inputs(reader, chain)
    strings = [points for name, points in inputs if not name.startswith((_CHARGING, _DISCHARGING))]
    if not strings:
        return None
    return _layout(
        power=_given(_sum([power for power, _ in strings])), exported=_sum([wh for _, wh in strings])
    )


async def _storage(reader: RegisterReader, chain: Chain) -> Layout | None:
    inputs = await _inputs(reader, chain)
    charging = [points for name, points in inputs if name.startswith(_CHARGING)]
    discharging = [points for name, points in inputs if name.startswith(_DISCHARGING)]
    if not charging or not discharging:
        return None
    taken, given = _sum([power for power, _ in charging]), _sum([power for power, _ in discharging])
    return _layout(
        power=replace(taken, plus=(*taken.plus, _given(given))),
        imported=_sum([wh for _, wh in charging]),
        exported=_sum([wh for _, wh in discharging]),
    )


async def _inputs(reader: RegisterReader, chain: Chain) -> list[tuple[str, tuple[Point, Point]]]:
    """Return the name, the power and the energy of each direct current input."""
    model = _first(chain, (INPUTS,))
    if model is None:
        return []
    w_scale, wh_scale = model.address + 4, model.address + 5
    return [
        (name, (_scaled(at + 11, "uint16", w_scale, _NO_UINT16), _scaled(at + 12, "uint32", wh_scale)))
        for name, at in await read_inputs(reader, model)
    ]


def _first(chain: Chain, wanted: Sequence[int]) -> Model | None:
    return next((model for model in chain if model.id in wanted), None)


def _layout(*, power: Point, exported: Point, imported: Point | None = None) -> Layout:
    return Layout(power=power, imported=imported, exported=exported, gap_words=_GAP_WORDS)


def _sum(points: Sequence[Point]) -> Point:
    return replace(points[0], plus=tuple(points[1:]))


def _given(point: Point) -> Point:
    """Return a power that counts what is given as one that counts what is taken."""
    return replace(point, factor=point.factor * Decimal(-1), plus=tuple(_given(part) for part in point.plus))


def _float(at: int) -> Point:
    return Point(register=Register(address=at, type="float32", function="holding"))


def _scaled(at: int, kind: RegisterType, scale_at: int, missing: int | None = None) -> Point:
    scale = Register(address=scale_at, type="int16", function="holding", missing=_NO_INT16)
    return Point(
        register=Register(address=at, type=kind, function="holding", missing=missing), exponent=scale
    )


SUNSPEC_PROFILES = (
    SunSpecProfile("sunspec", "SunSpec/Fronius: meter", "meter", _meter),
    SunSpecProfile("sunspec_inverter", "SunSpec/Fronius: inverter", "inverter", _inverter),
    SunSpecProfile("sunspec_pv", "SunSpec/Fronius: solar strings", "solar strings", _strings),
    SunSpecProfile("sunspec_battery", "SunSpec/Fronius: battery", "battery", _storage),
)
