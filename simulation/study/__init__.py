"""The agent's study: recorded days of ten homes, played through the real ledger and market."""
