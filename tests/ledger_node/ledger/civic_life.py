"""Random days on a street whose members also govern it: suspended, leaving, with new keys and rules."""

from typing import Any

from energy_ledger.ledger.machine import Result
from energy_ledger.ledger.membership import ROTATE_TAG, proof_of_keys
from tests.ledger_node.ledger.life import MONEY, PEOPLE, Life
from tests.ledger_node.ledger.street import ADA, Person


class CivicLife(Life):
    """One street, its twin, and what members may do besides trading."""

    hindrances = ("not_active", "not_allowed", "asset_retired")

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.redemptions: list[str] = []
        self.keys = 0

    def step(self) -> None:
        """Do one thing of many, every third time one of those that govern."""
        if self.random.random() < 0.3:
            self.random.choice(_STEPS)(self)
        else:
            super().step()

    def anybody(self) -> Any:
        return self.random.choice([*PEOPLE, ADA])

    def money_is_redeemed(self) -> None:
        fields = {"amount": self.random.randint(1, MONEY), "reference": "AT61"}
        result = self.do(self.anybody(), "voucher.redeem", **fields)
        self.redemptions += [result.id] if result.state == "applied" else []

    def a_redemption_is_settled(self) -> None:
        if self.redemptions:
            fields = {"redemption": self.random.choice(self.redemptions), "paid": self.random.random() < 0.7}
            self.do(self.random.choice([ADA, self.anybody()]), "voucher.settle", **fields)

    def the_community_pays(self) -> None:
        fund = self.street.ledger.money.community
        amount = self.random.randint(1, fund + 2)
        self.do(ADA, "community.pay", to=self.anybody().address, amount=amount, reference="a lamp")

    def somebody_is_suspended_or_taken_back(self) -> None:
        member, suspended = self.anybody(), self.random.random() < 0.3
        fields = {"member": member.address, "suspended": suspended, "reason": "asked for it"}
        self.do(ADA, "member.suspend", **fields)

    def somebody_leaves(self) -> None:
        if self.random.random() < 0.3:
            self.do(self.anybody(), "member.leave")

    def who_leaves_gives_the_money_away(self) -> None:
        for who in PEOPLE:
            account = self.street.account(who)
            amount = min(account.balance, account.available)
            if account.status == "leaving" and amount > 0:
                self.do(who, "transfer", to=ADA.address, amount=amount)
            elif account.status == "leaving" and account.balance < 0:
                self.do(ADA, "voucher.issue", to=who.address, amount=-account.balance, reference="its debts")

    def a_role_changes(self) -> None:
        role = self.random.choice(["founder", "treasurer", "auditor"])
        granted = self.random.random() < 0.5
        sender = self.random.choice([ADA, self.anybody()])
        self.do(sender, "member.role", member=self.anybody().address, role=role, granted=granted)

    def keys_are_rotated(self) -> None:
        who = self.anybody()
        self.keys += 1
        new = Person(f"key {self.keys}")
        transaction = self.rotation(who, new)
        self.commit(transaction)

    def rotation(self, who: Any, new: Person) -> Any:
        sequence = self.street.ledger.last_sequence(who.address) + 1
        self.street.sequences[who.address] = sequence
        proof = new.signatures(ROTATE_TAG, proof_of_keys(who.account, sequence, new.keys), 1)
        fields = {"keys": new.key_fields, "proofs": list(proof), "sequence": sequence}
        return self.street.write(who, "key.rotate", sign=False, **fields)

    def an_asset_is_retired(self) -> None:
        if self.random.random() < 0.2:
            who = self.random.choice(PEOPLE)
            self.do(who, "asset.retire", asset=self.random.choice(self.points[who]))

    def flexibility_is_announced(self) -> None:
        who = self.random.choice(PEOPLE)
        earliest = self.street.state.timing.first_open_slot(self.street.time) + self.random.randint(0, 3)
        self.do(
            who,
            "flexibility.announce",
            asset=self.random.choice(self.points[who]),
            direction=self.random.choice(["consume", "produce"]),
            energy_wh=self.random.randint(1, 50),
            earliest=earliest,
            deadline=earliest + self.random.randint(1, 4),
            max_wh_per_slot=50,
        )

    def rules_change(self) -> None:
        timing = self.street.state.timing
        slot = timing.first_open_slot(self.street.time) + timing.horizon + self.random.randint(-1, 3)
        self.do(ADA, "tariff.set", from_slot=slot, tariff=self.weekly_tariff())
        self.do(ADA, "policy.set", approval=self.random.choice(["invite", "manual"]))

    def do(self, who: Any, kind: str, **fields: Any) -> Result:
        """Do it with a number that is free: a refused one may have been skipped by others."""
        sequence = self.street.ledger.last_sequence(who.address) + 1
        self.street.sequences[who.address] = sequence
        return super().do(who, kind, **{"sequence": sequence} | fields)


_STEPS = [
    CivicLife.money_is_redeemed,
    CivicLife.a_redemption_is_settled,
    CivicLife.the_community_pays,
    CivicLife.somebody_is_suspended_or_taken_back,
    CivicLife.somebody_is_suspended_or_taken_back,
    CivicLife.somebody_leaves,
    CivicLife.who_leaves_gives_the_money_away,
    CivicLife.a_role_changes,
    CivicLife.keys_are_rotated,
    CivicLife.an_asset_is_retired,
    CivicLife.flexibility_is_announced,
    CivicLife.rules_change,
]
