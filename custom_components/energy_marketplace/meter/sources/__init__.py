"""Who fetches what a meter shows.

- `modbus_link`: pymodbus' own client over TCP or a serial line; plain Python.
- `shared_link`: Home Assistant's Modbus link, shared with its other integrations.
- `entities`: power and energy entities that already exist in Home Assistant.
"""
