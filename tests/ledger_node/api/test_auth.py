"""Who may ask, and how often."""

from contextlib import suppress
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_ledger.api.auth import RateLimit, Role, Tokens, bearer, hashed
from energy_ledger.api.problems import ProblemError


def test_tokens_open_as_what_they_were_given_out_for():
    tokens = Tokens.of("operator", [hashed("ada"), hashed("bo")])
    assert tokens.role("operator") is Role.OPERATOR
    assert tokens.role("ada") is tokens.role("bo") is Role.MEMBER
    for wrong in ("", "Ada", "operator ", "o", hashed("ada").hex(), "\udcff"):
        assert tokens.role(wrong) is None


def test_only_hashes_are_kept():
    assert "secret" not in repr(Tokens.of("secret", [hashed("secret too")]))


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic abc", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("abc", None),
        (None, None),
    ],
)
def test_a_token_comes_in_the_authorization_header(header, token):
    headers = {} if header is None else {"Authorization": header}
    assert bearer(SimpleNamespace(headers=headers)) == token


@given(pauses=st.lists(st.floats(0, 3), max_size=60))
def test_nobody_gets_more_than_the_burst_and_the_rate_allow(pauses):
    now = [0.0]
    limit = RateLimit(per_s=2, burst=5, clock=lambda: now[0])
    taken = 0
    for pause in pauses:
        now[0] += pause
        with suppress(ProblemError):
            limit.take("caller")
            taken += 1
        assert taken <= 5 + 2 * now[0]


def test_what_a_rest_gave_back_is_given_once():
    now = [100.0]
    limit = RateLimit(per_s=1, burst=2, clock=lambda: now[0])
    limit.take("a")
    limit.take("a")
    now[0] = 101.0
    limit.take("a")
    for _ in range(3):
        with pytest.raises(ProblemError):
            limit.take("a")


def test_each_caller_has_a_share_of_its_own():
    limit = RateLimit(per_s=1, burst=1, clock=lambda: 0.0)
    limit.take("a")
    limit.take("b")
    with pytest.raises(ProblemError) as caught:
        limit.take("a")
    assert caught.value.code == "too_many_requests"
    assert caught.value.response().headers["Retry-After"] == "1"


def test_who_waits_may_ask_again():
    now = [0.0]
    limit = RateLimit(per_s=1, burst=1, clock=lambda: now[0])
    limit.take("a")
    now[0] = 0.9
    with pytest.raises(ProblemError):
        limit.take("a")
    now[0] = 1.0
    limit.take("a")


def test_it_forgets_callers_that_have_not_come_for_long():
    limit = RateLimit(per_s=1, burst=1, clock=lambda: 0.0, callers=2)
    for caller in "abc":
        limit.take(caller)
    assert len(limit._buckets) == 2
    limit.take("a")
