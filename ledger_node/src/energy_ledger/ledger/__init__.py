"""What the agreed order of transactions means: members, assets, orders, rounds, trades, readings, money.

Pure: no clock, file, socket, thread, environment or random source. The same commits give the same state,
the same events and the same root on every machine. `machine.Ledger` is the door to it.
"""
