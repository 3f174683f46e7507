"""SunSpec meters, found by walking the chain of models.

Source: SunSpec Information Model Reference. A device keeps the marker `SunS` at word 40000, 50000 or 0 of
its holding registers; behind it follow models, each with its id and length, until the id 0xFFFF. Meters are
the models 201-204 (integers with scale factors: single phase, split phase, wye, delta) and 211-214 (the
same as floats). Offsets below count from the model's id. Values that a device does not have: 0x8000 in
int16 and scale factors, NaN in floats. Power is positive for import; the accumulators count Wh.
"""

from ..readings import MeterError, MeterNonsenseError
from ..registers import Layout, Point, Register, RegisterReader, RegisterType

_BASES = (40000, 50000, 0)
_MARKER = [0x5375, 0x6E53]
_END = 0xFFFF
_MOST_MODELS = 100
_NOT_IMPLEMENTED = -0x8000
_INTEGER_METERS = range(201, 205)
_FLOAT_METERS = range(211, 215)


class SunSpecProfile:
    """Any SunSpec meter: which one, the meter tells."""

    key = "sunspec"
    name = "SunSpec"

    async def prepare(self, reader: RegisterReader) -> Layout:
        """Return where this meter keeps its values.

        Raises:
            MeterUnreachableError: it does not answer.
            MeterNonsenseError: it is no SunSpec device, or has no meter model.

        """
        model, address = await self._find(reader, await self._base(reader))
        return _integer_layout(address) if model in _INTEGER_METERS else _float_layout(address)

    async def _base(self, reader: RegisterReader) -> int:
        refusal: MeterError | None = None
        for base in _BASES:
            try:
                if await reader.read_holding(base, 2) == _MARKER:
                    return base
            except MeterNonsenseError as error:
                refusal = error
        raise MeterNonsenseError(
            "this is no SunSpec device: the marker is at none of its places"
        ) from refusal

    async def _find(self, reader: RegisterReader, base: int) -> tuple[int, int]:
        """Return the first meter model of the chain, and where it begins."""
        address = base + len(_MARKER)
        seen: list[int] = []
        while len(seen) < _MOST_MODELS:
            model, length = await reader.read_holding(address, 2)
            if model in _INTEGER_METERS or model in _FLOAT_METERS:
                return model, address
            if model == _END:
                break
            seen.append(model)
            address += 2 + length
        raise MeterNonsenseError(f"the SunSpec device has no meter; its models are {seen}")


def _integer_layout(model: int) -> Layout:
    def point(offset: int, exponent: int, kind: RegisterType, missing: int | None) -> Point:
        return Point(
            register=_register(model + offset, kind, missing),
            exponent=_register(model + exponent, "int16", _NOT_IMPLEMENTED),
        )

    return Layout(
        power=point(18, 22, "int16", _NOT_IMPLEMENTED),
        exported=point(38, 54, "uint32", None),
        imported=point(46, 54, "uint32", None),
        gap_words=40,
    )


def _float_layout(model: int) -> Layout:
    return Layout(
        power=Point(register=_register(model + 28, "float32", None)),
        exported=Point(register=_register(model + 60, "float32", None)),
        imported=Point(register=_register(model + 68, "float32", None)),
        gap_words=40,
    )


def _register(address: int, kind: RegisterType, missing: int | None) -> Register:
    return Register(address=address, type=kind, function="holding", missing=missing)


SUNSPEC = SunSpecProfile()
