"""What a home's papers say on a real node: statement, certificates, and vouchers turned back into money."""

import asyncio

import pytest

from custom_components.energy_marketplace.const import DOMAIN

REFERENCE = "cash for Ada"


async def ask(home, action, **data):
    return await home.services.async_call(DOMAIN, action, data, blocking=True, return_response=True)


async def statement_agrees(home, entry, settled):
    """The lines lead from the first balance to the present one, and each trade is among them."""
    told = await ask(home, "get_statement")
    member = entry.runtime_data.market.member
    balance = (await member.client.account(member.address)).balance / 10**9
    assert (told["currency"], told["opening"], told["closing"]) == ("EUR", 0, pytest.approx(balance))
    assert told["lines"][-1]["balance"] == pytest.approx(told["closing"])
    assert sum(line["amount"] for line in told["lines"]) == pytest.approx(told["closing"] - told["opening"])
    lines = {line["trade"]: line for line in told["lines"] if line.get("trade")}
    assert lines.keys() == {trade["trade"] for trade in settled}
    for trade in settled:
        line = lines[trade["trade"]]
        assert line["wh"] == pytest.approx(trade["settled_energy"])
        assert -line["amount"] == pytest.approx(trade["amount"])
    later = await ask(home, "get_statement", start=told["lines"][-1]["time"])
    assert later["closing"] == told["closing"]
    assert len(later["lines"]) < len(told["lines"])


async def certificates_agree(home, device_id, settled, roof):
    """Every Wh that was bought has its certificate: of the neighbour's roof, used by this asset."""
    bought = sum(trade["settled_energy"] for trade in settled)

    answer = {}
    async with asyncio.timeout(60):  # they come with the end of the last slot's grace
        while sum(row["wh"] for row in answer.get("certificates", ())) < round(bought * 1000):
            await asyncio.sleep(0.5)
            answer = await ask(home, "get_certificates", device_id=device_id)
    assert answer["consumed"] == answer["green"] == pytest.approx(bought)
    assert answer["by_asset"] == {roof: pytest.approx(bought)}, answer
    assert answer["by_source"] == {"solar": pytest.approx(bought)}
    rows = answer["certificates"]
    assert sum(row["wh"] for row in rows) == round(bought * 1000)
    assert {(row["asset"], row["source"], row["state"]) for row in rows} == {(roof, "solar", "cancelled")}


async def vouchers_turn_back(home, entry):
    """Money that is asked for is held until the treasurer pays it or gives it back."""
    member = entry.runtime_data.market.member

    async def money():
        closing = (await ask(home, "get_statement"))["closing"]
        return closing, (await member.client.account(member.address)).available / 10**9

    balance, available = await money()
    asked = await ask(home, "redeem_voucher", amount=2, reference=REFERENCE)
    assert asked["state"] == "applied"
    [row] = (await ask(home, "get_redemptions"))["redemptions"]
    expected = {"id": asked["redemption"], "amount": 2, "reference": REFERENCE, "state": "requested"}
    assert row.items() >= expected.items()
    assert await money() == pytest.approx((balance, available - 2))
    await ask(home, "settle_redemption", redemption=asked["redemption"], paid=False, note="come on Monday")
    [row] = (await ask(home, "get_redemptions"))["redemptions"]
    assert (row["state"], row["note"]) == ("returned", "come on Monday")
    assert await money() == pytest.approx((balance, available))
    again = await ask(home, "redeem_voucher", amount=0.5, reference=REFERENCE)
    await ask(home, "settle_redemption", redemption=again["redemption"], paid=True)
    states = [row["state"] for row in (await ask(home, "get_redemptions"))["redemptions"]]
    assert sorted(states) == ["paid", "returned"]
    assert await money() == pytest.approx((balance - 0.5, available - 0.5))
