"""The commit rule, one drawn DAG per claim. Of four authors, B, C, D, A, B, … lead rounds 1, 2, …"""

import pytest

from energy_ledger.dag.base_committer import BaseCommitter
from energy_ledger.dag.blocks import BlockRef
from energy_ledger.dag.committee import quorum_of
from tests.ledger_node.dag.drawing import draw, sequence, verdicts

FULL = """
1 | A B C D
2 | A B C D
3 | A B C D
"""


def test_quorums_of_one_to_ten_validators_are_the_fewest_that_share_an_honest_one() -> None:
    assert [quorum_of(n) for n in range(1, 11)] == [1, 2, 2, 3, 4, 4, 5, 6, 6, 7]


@pytest.mark.parametrize("n", range(1, 40))
def test_any_two_quorums_share_f_plus_one_validators_and_fewer_would_not_do(n: int) -> None:
    f = (n - 1) // 3
    assert 2 * quorum_of(n) - n >= f + 1
    assert 2 * (quorum_of(n) - 1) - n < f + 1
    assert quorum_of(n) <= n - f


def test_a_leader_with_certificates_by_a_quorum_is_committed_directly() -> None:
    assert verdicts(draw(4, FULL))[0] == "commit B1 direct"


def test_the_last_two_rounds_of_a_full_dag_stay_undecided() -> None:
    assert verdicts(draw(4, FULL))[1:] == ["undecided", "undecided"]


def test_one_validator_commits_its_block_by_its_own_next_two() -> None:
    drawing = draw(1, "1 | A\n2 | A\n3 | A\n4 | A")
    assert verdicts(drawing) == ["commit A1 direct", "commit A2 direct", "undecided", "undecided"]
    assert sequence(drawing) == "A1 A2"


def test_certificates_by_fewer_than_a_quorum_do_not_commit() -> None:
    picture = """
1 | A B C D
2 | A B C D
3 | A B
"""
    assert verdicts(draw(4, picture))[0] == "undecided"


def test_a_certificate_needs_votes_by_a_quorum_among_its_own_ancestors() -> None:
    picture = """
1 | A      B      C      D
2 | A      B      C      D(ACD)
3 | A(ABD) B(ABC) C(BCD) D(ACD)
"""
    # A2, B2 and C2 vote for B1; only B3 lists all three of them.
    assert verdicts(draw(4, picture))[0] == "undecided"


def test_votes_from_two_blocks_of_one_author_count_once_towards_a_certificate() -> None:
    picture = """
1 | A       B       C       D
2 | A A'    B       C(ACD)  D(ACD)
3 | A(AA'B) B(AA'B) C(AA'B) D(AA'B)
"""
    assert verdicts(draw(4, picture))[0] == "undecided"


def test_certificates_by_two_blocks_of_one_author_count_once() -> None:
    picture = """
1 | A    B C D
2 | A    B C D
3 | A A' B
"""
    assert verdicts(draw(4, picture))[0] == "undecided"


def test_a_slot_is_skipped_when_a_quorum_does_not_vote_for_its_leader() -> None:
    picture = """
1 | A      B C      D
2 | A(ACD) B C(ACD) D(ACD)
"""
    drawing = draw(4, picture)
    assert verdicts(drawing) == ["skip direct", "undecided"]
    assert sequence(drawing) == ""


def test_one_non_voter_short_of_a_quorum_leaves_the_slot_undecided() -> None:
    picture = """
1 | A      B C      D
2 | A(ACD) B C(ACD) D
"""
    assert verdicts(draw(4, picture))[0] == "undecided"


def test_a_leader_nobody_knows_is_skipped_once_a_quorum_have_a_block_above() -> None:
    missing = "1 | A C D\n2 | A C"
    assert verdicts(draw(4, missing))[0] == "undecided"
    assert verdicts(draw(4, missing + " D"))[0] == "skip direct"


def test_the_last_round_but_one_can_only_be_skipped_and_the_last_is_undecided() -> None:
    picture = """
1 | A B C D
2 | A B   D
3 | A B   D
"""
    assert verdicts(draw(4, picture)) == ["commit B1 direct", "skip direct", "undecided"]


def test_of_two_leader_blocks_each_is_blamed_by_those_who_vote_for_the_other() -> None:
    picture = """
1 | A       B B'    C       D
2 | A(ABCD) B(BACD) C(CB'D) D(DAC)
"""
    # B1 lacks the votes of C and D, B'1 those of A, B and D: only one of the two has a quorum against it.
    assert verdicts(draw(4, picture))[0] == "undecided"


def test_a_slot_is_skipped_when_each_of_its_leader_blocks_has_a_quorum_against_it() -> None:
    picture = """
1 | A       B B'    C       D
2 | A(ABCD) B(BACD) C(CB'D) D(DAC)
"""
    three = picture.replace("B(BACD)", "B(ACD) ")
    assert verdicts(draw(4, three))[0] == "skip direct"


def test_a_third_leader_block_without_votes_does_not_hinder_the_skip() -> None:
    picture = """
1 | A       B B' B'' C       D
2 | A(ABCD) B(ACD)   C(CB'D) D(DAC)
"""
    assert verdicts(draw(4, picture))[0] == "skip direct"


def test_a_block_votes_for_the_first_leader_block_it_lists() -> None:
    picture = """
1 | A       B B'     C        D
2 | A(BB'C) B(AB'BC) C(CBB'D) D(BDB')
3 | A(ACD)  B(ACD)   C(ACD)   D
"""
    assert verdicts(draw(4, picture))[0] == "commit B1 direct"
    assert verdicts(draw(4, picture.replace("D(BDB')", "D(B'DB)")))[0] == "undecided"


def test_who_lists_both_blocks_of_a_leader_votes_against_the_second() -> None:
    picture = """
1 | A        B B'     C      D
2 | A(ABB'C) B(AB'BC) C(ACD) D(ACD)
"""
    assert verdicts(draw(4, picture))[0] == "skip direct"


def test_an_author_with_both_kinds_of_block_counts_on_both_sides() -> None:
    picture = """
1 | A         B      C         D
2 | A A'(ACD) B      C(ACD)    D
3 | A(ABD)    B(ABD) C(A'CD)   D(ABD)
"""
    # A2, B2, D2 vote for B1, A'2 and C2 do not: with one more non-voter A counts against B1 as well.
    assert verdicts(draw(4, picture))[0] == "commit B1 direct"
    only_above = """
1 | A         B C      D
2 | A A'(ACD) B C(ACD) D(ACD)
"""
    assert verdicts(draw(4, only_above))[0] == "skip direct"


def test_listing_a_leader_from_two_rounds_above_is_no_vote() -> None:
    picture = """
1 | A        B      C        D
2 | A        C(ACD) D
3 | A(ACDB1) C(CADB1) D(DACB1)
"""
    # Only A2 and D2 vote for B1, whoever else lists it.
    assert verdicts(draw(4, picture))[0] == "undecided"


UNDECIDED_MIDDLE = """
1 | A        B      C       D
2 | A        B      C       D(ACD)
3 | A(ABC)   B(BCD) C(BCD)  D(ACD)
4 | A        B      C       D
5 | A        B      C       D
6 | A        B      C       D
"""
"""B1 has three votes but only one certificate, A3."""


def test_an_undecided_leader_with_a_certificate_in_the_anchors_history_is_committed() -> None:
    assert verdicts(draw(4, UNDECIDED_MIDDLE))[0] == "commit B1 indirect"


def test_an_undecided_leader_without_a_certificate_in_the_anchors_history_is_skipped() -> None:
    hidden = UNDECIDED_MIDDLE.replace("4 | A        B      C       D", "4 | A(BCD) B(BCD) C(BCD) D(BCD)")
    assert verdicts(draw(4, hidden))[0] == "skip indirect"


def test_the_anchor_is_three_rounds_up_so_a_committed_leader_two_up_decides_nothing() -> None:
    picture = "\n".join(UNDECIDED_MIDDLE.strip().splitlines()[:5])
    assert verdicts(draw(4, picture)) == [
        "undecided",
        "commit C2 direct",
        "commit D3 direct",
        "undecided",
        "undecided",
    ]


def test_decisions_behind_an_undecided_one_are_shown_but_not_output() -> None:
    picture = "\n".join(UNDECIDED_MIDDLE.strip().splitlines()[:5])
    assert sequence(draw(4, picture)) == ""
    assert sequence(draw(4, UNDECIDED_MIDDLE)).startswith("B1 A1 C1")


def test_a_skipped_slot_is_passed_over_in_the_search_for_the_anchor() -> None:
    picture = """
1 | A        B      C       D
2 | A        B      C       D(ACD)
3 | A(ABC)   B(BCD) C(BCD)  D(ACD)
4 |          B      C       D(DACB)
5 |          B      C       D
6 |          B      C       D
7 |          B      C       D
"""
    drawing = draw(4, picture)
    assert verdicts(drawing)[3] == "skip direct"
    assert verdicts(drawing)[0] == "commit B1 indirect"
    assert verdicts(draw(4, picture.rsplit("7", 1)[0]))[0] == "undecided"


def test_an_undecided_anchor_leaves_the_slot_undecided_even_with_a_committed_one_above() -> None:
    picture = """
1 | A        B      C       D
2 | A        B      C       D(ACD)
3 | A(ABC)   B(BCD) C(BCD)  D(ACD)
4 | A        B      C       D
5 | A        B      C       D(BCD)
6 | A(ABD)   B(BCD) C(BCD)  D(ABD)
7 | A        B      C       D
8 | A        B      C       D
"""
    found = verdicts(draw(4, picture))
    assert found[3] == "undecided"
    assert found[4] == "commit B5 direct"
    assert found[0] == "undecided"


def test_the_anchor_commits_the_certified_one_of_two_leader_blocks() -> None:
    picture = """
1 | A        B B'    C       D
2 | A(AB'CD) B(AB'C) C(AB'D) D(ABC)
3 | A(ABC)   B(BCD)  C(BCD)  D(ACD)
4 | A        B       C       D
5 | A        B       C       D
6 | A        B       C       D
"""
    assert verdicts(draw(4, picture))[0] == "commit B'1 indirect"


def test_a_quorum_given_with_the_dag_replaces_the_computed_one() -> None:
    picture = """
1 | A B C D
2 | A B C D
3 | A B
"""
    assert verdicts(draw(4, picture))[0] == "undecided"
    assert verdicts(draw(4, picture, quorum=2))[0] == "commit B1 direct"
    assert verdicts(draw(4, FULL, quorum=4))[0] == "commit B1 direct"


def test_with_five_validators_three_certificates_are_not_enough() -> None:
    three = """
1 | A B C D E
2 | A B C D E
3 | A B C"""
    assert verdicts(draw(5, three))[0] == "undecided"
    assert verdicts(draw(5, three + " D"))[0] == "commit B1 direct"


def test_rounds_without_any_block_are_undecided_until_an_anchor_decides_them() -> None:
    picture = """
1 | A
4 | A(A0)
5 | A
6 | A
"""
    found = verdicts(draw(1, picture))
    assert found[:3] == ["skip indirect", "undecided", "skip direct"]
    assert found[3:] == ["commit A4 direct", "undecided", "undecided"]


# --- linearisation -----------------------------------------------------------------------------------------


def test_a_commit_outputs_the_leaders_history_by_round_author_and_id() -> None:
    drawing = draw(4, FULL.replace("1 | A B C D", "1 | D C B A") + "4 | A B C D\n5 | A B C D\n")
    assert sequence(drawing) == "B1 A1 C1 D1 C2 A2 B2 D2 D3"


def test_authors_are_sorted_as_numbers_not_as_text() -> None:
    letters = "A B C D E F H I J K L"
    drawing = draw(11, "\n".join(f"{r} | {letters}" for r in range(1, 5)))
    assert sequence(drawing).split() == ["B1", "A1", *[f"{one}1" for one in "CDEFHIJKL"], "C2"]


def test_of_two_blocks_of_one_slot_in_one_commit_the_lower_id_comes_out_and_the_losers_ancestors_too() -> (
    None
):
    picture = """
1 | A      B       C        D
2 | A(ABC) B(ABC)  C(ABC)   D(BAC) D'(DBA)
3 | A(ABC) B(DABC) C(CABD') D(DABC)
4 | A(BCDA) B C D
5 | A B C D
6 | A B C D
"""
    drawing = draw(4, picture)
    assert verdicts(drawing)[:3] == ["commit B1 direct", "commit C2 direct", "commit D3 direct"]
    # A4 has both D2 and D'2 in its history; D3's commit took D2 already. D1 comes through the loser D'2.
    assert sequence(drawing) == "B1 A1 C1 C2 A2 B2 D2 D3 D1 A3 B3 C3 A4"


def test_the_slot_goes_to_the_earliest_commit_even_with_a_higher_id() -> None:
    picture = """
1 | A      B       C        D
2 | A(ABC) B(ABC)  C(ABC)   D(BAC) D'(DBA)
3 | A(ABC) B(DABC) C(CABD)  D(D'ABC)
4 | A(BCDA) B C D
5 | A B C D
6 | A B C D
"""
    assert sequence(draw(4, picture)) == "B1 A1 C1 C2 D1 A2 B2 D'2 D3 A3 B3 C3 A4"


def _private_chain(revealed: int, rounds: int) -> str:
    """D builds on the others from round 1 and is first named by them in the round `revealed`."""
    lines = []
    for round_ in range(1, rounds + 1):
        others = "ABCD" if round_ >= revealed else "ABC"
        lines.append(f"{round_} | A({others}) B(B{others}) C(C{others}) D(DABC)")
    return "\n".join(lines)


def test_blocks_more_than_sixty_rounds_below_the_leader_do_not_come_out() -> None:
    # D65 is named in round 66, whose leader is C: D's blocks of rounds 6 to 65 come out, 1 to 5 never do.
    out = sequence(draw(4, _private_chain(66, 70))).split()
    assert [one for one in out if one.startswith("D")][:2] == ["D6", "D7"]
    assert len([one for one in out if one.startswith("D") and int(one[1:]) <= 65]) == 60


def test_what_hangs_below_a_block_under_the_depth_window_stays_in_although_others_reach_it() -> None:
    picture = _private_chain(66, 70).replace("C(CABCD)", "C(CABCDD6D5)", 1)
    out = sequence(draw(4, picture)).split()
    assert "D6" in out
    assert "D5" not in out


# --- the rule broken on purpose ----------------------------------------------------------------------------


def test_a_skip_rule_per_slot_instead_of_per_block_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def per_slot(self: BaseCommitter, round_: int) -> bool:
        above = self.dag.at_round(round_ + 1)
        leaders = self.leader_blocks(round_)
        against = {ref.author for ref in above if self.supported_block(ref) not in leaders}
        return len(against) >= self.committee.quorum

    monkeypatch.setattr(BaseCommitter, "enough_leader_blame", per_slot)
    with pytest.raises(AssertionError):
        test_a_slot_is_skipped_when_each_of_its_leader_blocks_has_a_quorum_against_it()


def test_votes_counted_without_the_order_of_ancestors_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def any_listed(self: BaseCommitter, voter: BlockRef, leader: BlockRef) -> bool:
        return leader in self.dag.ancestors(voter)

    def any_certified(self: BaseCommitter, block: BlockRef) -> tuple[BlockRef, ...]:
        parents = [ref for ref in self.dag.ancestors(block) if ref.round == block.round - 1]
        voters = {
            leader: {ref.author for ref in parents if any_listed(self, ref, leader)}
            for leader in self.leader_blocks(block.round - 2)
        }
        return tuple(leader for leader, by in voters.items() if len(by) >= self.committee.quorum)

    monkeypatch.setattr(BaseCommitter, "is_vote", any_listed)
    with pytest.raises(AssertionError):
        test_who_lists_both_blocks_of_a_leader_votes_against_the_second()
    monkeypatch.setattr(BaseCommitter, "certified_blocks", any_certified)
    with pytest.raises(AssertionError, match="commit B"):
        test_a_block_votes_for_the_first_leader_block_it_lists()
    # A and B list both blocks of the leader, so both are certified: what comes out depends on who saw what.
    picture = """
1 | A        B B'      C       D
2 | A(ABB'C) B(ABB'C)  C(CBA)  D(DB'A)
3 | A(ABC)   B(BAC)    C(CAB)
"""
    other = picture.replace("A(ABC)   B(BAC)    C(CAB)", "A(ABD)   B(BAD)    D(DAB)")
    assert verdicts(draw(4, picture))[0] == "commit B1 direct"
    assert verdicts(draw(4, other))[0] == "commit B'1 direct"
