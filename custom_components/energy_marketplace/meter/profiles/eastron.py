"""Eastron's SDM meters: single precision floats in input registers, energy in kWh.

Sources: Eastron's protocol descriptions SDM120-Modbus V2.4, SDM230-Modbus V1.4 and SDM630-Modbus V1.8,
input registers (function 4): 30013 active power (single-phase meters), 30053 total system power
(three-phase), 30073 import and 30075 export active energy. On the wire, addresses count from 0. The meters
refuse odd addresses and odd counts.
"""

from decimal import Decimal

from ..registers import Layout, Point, Register
from .fixed import FixedProfile

_WH_PER_KWH = Decimal(1000)


def _layout(power_address: int) -> Layout:
    return Layout(
        power=Point(register=Register(address=power_address, type="float32")),
        imported=Point(register=Register(address=0x0048, type="float32"), factor=_WH_PER_KWH),
        exported=Point(register=Register(address=0x004A, type="float32"), factor=_WH_PER_KWH),
    )


SDM120 = FixedProfile("sdm120", "Eastron SDM120", _layout(0x000C))
SDM230 = FixedProfile("sdm230", "Eastron SDM230", _layout(0x000C))
SDM630 = FixedProfile("sdm630", "Eastron SDM630", _layout(0x0034))
