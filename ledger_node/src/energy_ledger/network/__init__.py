"""How a node finds others, is found, and speaks to them over authenticated links."""
