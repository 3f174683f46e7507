"""The log of an asset binds all its events, in their order, and nothing else."""

from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger import crypto
from energy_ledger.ledger.audits import AUDIT_TAG
from energy_ledger.ledger.events import canonical
from tests.ledger_node.ledger.life import Life


def digest_of(asset, events):
    """Chain events as docs/protocol.md says, without the ledger's code."""
    digest = bytes.fromhex(asset)
    for _, group in groupby(events, key=lambda event: event.commit):
        bound = b"".join(crypto.digest(crypto.tag("event"), canonical(event)) for event in group)
        digest = crypto.digest(AUDIT_TAG, digest + bound)
    return digest.hex()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(5, 60))
def test_every_log_is_the_chain_of_just_the_events_that_name_its_asset(seed, steps):
    life = Life(seed)
    for _ in range(steps):
        life.step()
    told = [event for outcome in life.street.outcomes for event in outcome.events]
    logs = {log.asset: log for log in life.street.state.audits.values()}
    assert set(logs) == {asset for event in told for asset in event.assets}
    for asset, log in logs.items():
        own = [event for event in told if asset in event.assets]
        assert own[0].type == "asset.registered"
        assert (log.count, log.digest) == (len(own), digest_of(asset, own))
        assert log.commit == own[-1].commit
        leaf = (f"audit/{asset}".encode(), canonical(log.row()))
        assert leaf in set(life.street.ledger.leaves())
