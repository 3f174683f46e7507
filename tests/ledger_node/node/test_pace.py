"""When the homes of a street speak, and in which order what they were given comes out."""

from energy_ledger.node.chain import FRESH_MS, VOTE_PATIENCE_MS
from energy_ledger.node.forwarding import AGAIN_MS, Forwarder
from simulation.faults.people import MONEY
from simulation.faults.street import Street, Weather
from tests.ledger_node.node.chains import START, TestChain
from tests.ledger_node.node.test_forwarding import Ear

DELAY_MS = 100


def street_of(size):
    """Return a street with equal delays, whose homes have members with money."""
    street = Street(size, 0, seed=size)
    street.weather = Weather((DELAY_MS, DELAY_MS))
    founder = street.people[0]
    for person in street.people[1:]:
        street.homes[0].submit(person.joins(founder))
    for person in street.people:
        money = founder.sign("voucher.issue", to=person.address, amount=MONEY, reference="cash")
        street.homes[0].submit(money)
    street.clock.run(20_000)
    return street


def transfer(street, number):
    return street.people[number].sign("transfer", to=street.people[number - 1].address, amount=1)


def delays_of(street, author, waiting):
    home, started = street.homes[author], street.clock.now
    home.submit(waiting)
    while waiting.transaction.id not in home.disk.ordered:
        street.clock.run(5)
    return (street.clock.now - started) / DELAY_MS


def rounds_with(home, *transactions):
    """Return the round of the own block that carries each transaction."""
    blocks = {ref.round: block for ref, block in home.disk.blocks.items() if ref.author == home.author}
    return [
        next(round_ for round_, block in sorted(blocks.items()) if one.data in block.envelopes)
        for one in transactions
    ]


def test_from_silence_an_order_takes_five_delays_and_seven_for_the_home_that_leads():
    street = street_of(4)
    found = []
    for number in range(12):
        leads = (street.homes[number % 4].chain.core.status().own_round + 1) % 4 == number % 4
        found.append((leads, round(delays_of(street, number % 4, transfer(street, number % 4)))))
        street.clock.run(20_000)
    assert {delays for leads, delays in found if not leads} == {5}
    assert {delays for leads, delays in found if leads} <= {6, 7}


def test_what_comes_after_a_pause_gets_the_time_at_which_it_came():
    street = street_of(4)
    for number in range(8):
        street.clock.run(30_000)
        now, home = street.clock.now, street.homes[number % 4]
        delays_of(street, number % 4, transfer(street, number % 4))
        assert now - FRESH_MS <= home.chain.ledger.time <= street.clock.now


def test_state_votes_wait_for_company_and_are_then_a_reason_to_speak():
    street = street_of(4)
    delays_of(street, 1, transfer(street, 1))
    said = len(street.said_at)
    street.clock.run(VOTE_PATIENCE_MS - 2 * DELAY_MS)
    assert len(street.said_at) == said
    assert street.homes[1].chain.certifier.newest.state.root != street.homes[1].chain.ledger.root
    street.clock.run(2 * VOTE_PATIENCE_MS)
    assert len(street.said_at) == said + 4
    for home in street.homes:
        assert home.chain.certifier.newest.state.root == home.chain.ledger.root


def test_a_later_number_of_an_account_waits_until_the_earlier_one_is_ordered():
    street = street_of(4)
    home, neighbour = street.homes[1], transfer(street, 2)
    first, second = transfer(street, 1), transfer(street, 1)
    home.submit(first)
    street.clock.run(10)
    home.submit(second)
    home.submit(neighbour)
    street.clock.run(5_000)
    assert [home.disk.ordered[one.transaction.id] for one in (first, second, neighbour)] == [None] * 3
    start, later, beside = rounds_with(home, first, second, neighbour)
    assert beside == start + 1
    assert later > start + 2


def test_what_comes_back_goes_before_later_numbers_of_its_account():
    chain = TestChain()
    bo = chain.joins("Bo")
    one, two, three = (chain.sign(bo, "transfer", to=chain.ada.address, amount=1) for _ in range(3))
    chain._queue.extend([one, three])
    chain._put_back(two)
    step = chain.at(START + 5)
    assert [placed.result.code for placed in step.placed] == [None] * 3


def test_a_transaction_without_a_home_is_passed_on_with_all_before_it_and_in_order():
    chain = TestChain()
    one, two, three = (
        chain.sign(chain.ada, "voucher.issue", to=chain.ada.address, amount=1, reference="x")
        for _ in range(3)
    )
    forwarder, ears = Forwarder(), [Ear(), Ear()]
    forwarder.add([two, one], START)
    forwarder.send(ears, START)
    forwarder.add([three], START + 10)
    forwarder.send(ears, START + 10)
    forwarder.send(ears, START + AGAIN_MS)
    first, both = [one.data, two.data], [one.data, two.data, three.data]
    assert [ear.heard for ear in ears] == [[*first, *both], both]


def test_what_was_passed_on_comes_home_before_anything_newer_once_there_is_a_voice():
    street = street_of(4)
    home = street.homes[1]
    home.crash()
    home.start()
    first, second = transfer(street, 1), transfer(street, 1)
    home.submit(first)
    assert not home.chain.core.speaks
    while not home.chain.core.speaks:
        street.clock.run(5)
    home.submit(second)
    street.clock.run(10_000)
    assert [home.disk.ordered[one.transaction.id] for one in (first, second)] == [None, None]
