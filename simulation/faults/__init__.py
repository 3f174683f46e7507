"""Whole networks of real node logic under a virtual clock, with everything going wrong, from one seed.

| module | what it does |
|---|---|
| `clock` | the virtual clock: what happens when, in an order that the seed alone decides |
| `disk` | what survives a crash of a home |
| `homes` | an honest home: the node's `Chain`, driven as the node drives it |
| `liars` | dishonest homes |
| `people` | members who pay each other and trade, each at a home of her own |
| `street` | the network between the homes, and what must always hold |
| `run` | one run: trouble, healing, silence; many runs on all cores |
"""
