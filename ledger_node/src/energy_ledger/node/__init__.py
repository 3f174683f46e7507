"""A running node: takes transactions in, orders them, applies them, keeps and tells what came of it.

| module | what it does |
|---|---|
| `chain` | drives the consensus core and the ledger: envelopes in, blocks and commits out |
| `intake` | takes transactions from clients: form, signature, order, rules; then lets them wait for a block |
| `service` | the node itself: writes what the chain brings, then acknowledges and tells it |
| `checking` | checks signatures, many at a time in processes on all cores |
| `matcher`, `solver` | computes clearings in a process beside the node |
| `helper`, `helper_process` | a process of this program beside the node: the node's end and its own |
| `queries`, `event_log` | what clients may ask and hear |
| `founding`, `rebuilding`, `verify` | how a network begins, how a ledger is made anew, how all is checked |
| `snapshots`, `milestones`, `pruner` | certified states on the disk; history older than wanted is deleted |
| `run` | the process: server, signals, announcement |
"""
