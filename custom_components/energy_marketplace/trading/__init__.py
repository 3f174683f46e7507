"""What a member wants from the market, and what the market agreed with it.

Pure functions over values: plain Python, no clock, no input or output. The modules:

- `timing`: which slots are open to orders.
- `forecast`: what a meter will probably show.
- `rules`: from forecasts and wishes to orders, each with a sentence that says why.
- `deliveries`: from trades to the windows in which energy is to flow.
- `prices`: from rounds to the price now and next.
"""
