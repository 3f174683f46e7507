"""The neighbourhood's ledger node: one agreed order of transactions, and the market that runs on it."""
