"""The member's side of the ledger: wallet, transactions, and the client of a node.

Plain Python (aiohttp for the wire, PyNaCl for the keys), usable without Home Assistant. The modules, from
the ground up:

- `units`: money, prices, slots; exact conversions for people.
- `digests`, `address`, `phrase`, `wallet`: keys, and what is derived from them.
- `orders`, `transactions`, `genesis`, `invite`: what can be signed.
- `tariff`, `answers`, `client`, `events`: a node's HTTP and WebSocket interface.
- `member`: one member's verbs, with the sequence of transactions kept in order.

The contract behind all of it is `docs/protocol.md`.
"""
