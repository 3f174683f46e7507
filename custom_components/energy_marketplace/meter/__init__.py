"""The member's side of the meter: reading it, cutting its energy into slots, keeping what was read.

Plain Python, usable without Home Assistant (but for `sources.shared_link` and `sources.entities`). The
modules:

- `readings`: the values that pass between the others.
- `registers`, `profiles`: where a meter keeps its power and energy, and how those words are decoded.
- `detect`: which kind of meter answers at an address.
- `sources`: who fetches the words: pymodbus, Home Assistant's shared link, existing entities.
- `probe`: a first look at a meter, for the person who sets it up.
- `slots`: cumulative registers cut into slots, never wrong, whatever the meter does.
- `journal`: what was read, kept at home until (and after) it is attested.
"""
