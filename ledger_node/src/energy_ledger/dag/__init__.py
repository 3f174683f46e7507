"""How the committee agrees on one order of transactions whose meaning it does not know."""
