"""The neighbourhood's auction: who gets what at which price, and the proof that nobody could do better.

Pure functions over frozen values: no clock, file, socket, thread or random source. `book` holds the
values, `solver` finds a clearing, `verifier` checks one without trusting whoever made it, `pairing` turns
it into trades, `files` speaks the JSON of the command line.
"""
