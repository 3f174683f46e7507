"""A guided tour of the real Home Assistant in a real browser, by clicking alone (``scripts/tour``)."""
