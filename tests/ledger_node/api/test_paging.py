"""Query parameters: read exactly, or refused by name."""

import pytest

from energy_ledger.api.paging import ACCOUNT, ORDER_STATE, PAGE, SLOT, Window, read_query, take_window
from energy_ledger.api.problems import ProblemError

TAKES = (ACCOUNT, SLOT, ORDER_STATE, *PAGE)


def test_filters_and_page_are_read():
    values = read_query(
        {"account": "kwh1", "slot": "12", "state": "open", "limit": "7", "cursor": "9"}, TAKES
    )
    assert take_window(values) == Window(9, 7)
    assert values == {"account": "kwh1", "slot": 12, "state": "open"}


def test_without_parameters_the_first_hundred_come():
    assert take_window(read_query({}, TAKES)) == Window(None, 100)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"slot": "-1"}, "slot"),
        ({"slot": "1.5"}, "slot"),
        ({"slot": "\u0661"}, "slot"),
        ({"slot": ""}, "slot"),
        ({"slot": str(2**63)}, "slot"),
        ({"slot": "9" * 5_000}, "slot"),
        ({"state": "closed"}, "state"),
        ({"account": ""}, "account"),
        ({"account": "x" * 129}, "account"),
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"cursor": "abc"}, "cursor"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_refused_by_name(query, field):
    with pytest.raises(ProblemError) as caught:
        take_window(read_query(query, TAKES))
    assert (caught.value.code, caught.value.field) == ("bad_request", field)
    assert field in str(caught.value)
