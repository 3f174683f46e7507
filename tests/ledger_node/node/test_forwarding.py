"""Transactions of a node without a voice: one validator after another gets them, until they are ordered."""

from itertools import pairwise

from energy_ledger.ledger.machine import Result
from energy_ledger.node.chain import Placed
from energy_ledger.node.forwarding import AGAIN_MS, Forwarder
from tests.ledger_node.node.chains import START, waiting
from tests.support.people import HOUR_MS, Person


class Ear:
    """A link that remembers what was sent over it."""

    def __init__(self):
        self.heard = []

    def send(self, frame):
        self.heard += frame.envelopes


def some(number):
    ada = Person("Ada", "0" * 64)
    return [
        waiting(ada.sign("voucher.issue", to=ada.address, amount=1, reference="x", expires=START + HOUR_MS))
        for _ in range(number)
    ]


def test_each_try_goes_to_the_next_validator():
    forwarder, ears = Forwarder(), [Ear(), Ear(), Ear()]
    one, two = some(2)
    forwarder.add([one, two], START)
    for attempt in range(4):
        forwarder.send(ears, START + attempt * AGAIN_MS)
        forwarder.send(ears, START + attempt * AGAIN_MS)  # not due again yet
    both = [one.data, two.data]
    assert [ear.heard for ear in ears] == [[*both, *both], both, both]


def test_while_nothing_is_ordered_it_goes_round_less_and_less_often():
    forwarder, ears = Forwarder(), [Ear(), Ear(), Ear()]
    forwarder.add(some(1), START)
    times = []
    for now in range(START, START + HOUR_MS, 1_000):
        before = sum(len(ear.heard) for ear in ears)
        forwarder.send(ears, now)
        times += [now] * (sum(len(ear.heard) for ear in ears) - before)
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses[:7] == [*[AGAIN_MS] * 3, *[2 * AGAIN_MS] * 3, 4 * AGAIN_MS]
    assert max(pauses) == pauses[-1] == 48_000
    counts = [len(ear.heard) for ear in ears]
    assert max(counts) - min(counts) <= 1


def test_who_comes_back_is_asked_at_once_however_long_it_went_round():
    forwarder, ears, back = Forwarder(), [Ear(), Ear()], Ear()
    (one,) = some(1)
    forwarder.add([one], START)
    for now in range(START, START + HOUR_MS, 1_000):
        forwarder.send(ears, now)
    forwarder.send([back, *ears], START + HOUR_MS)
    forwarder.send([back, *ears], START + HOUR_MS)
    assert back.heard == [one.data]


def test_what_is_ordered_is_not_sent_again():
    forwarder, ear = Forwarder(), Ear()
    one, two = some(2)
    forwarder.add([one, two], START)
    forwarder.settle([Placed(Result(one.transaction.id, "applied"), 1)])
    forwarder.send([ear], START)
    assert ear.heard == [two.data]


def test_without_a_validator_nothing_is_lost():
    forwarder, ear = Forwarder(), Ear()
    (one,) = some(1)
    forwarder.add([one], START)
    forwarder.send([], START)
    forwarder.send([ear], START)
    assert ear.heard == [one.data]


def test_what_no_validator_will_take_any_more_is_given_up():
    forwarder = Forwarder()
    (one,) = some(1)
    forwarder.add([one], START)
    assert forwarder.take_void(START + HOUR_MS) == []
    assert forwarder.take_void(START + HOUR_MS + 1) == [one]
    assert len(forwarder) == 0
