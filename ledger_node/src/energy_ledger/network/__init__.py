"""How a node is found by those who are near."""
