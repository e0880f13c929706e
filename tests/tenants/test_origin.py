import pytest
from structlog.contextvars import get_contextvars

from tenants.origin import Origin, Via, bound, current, is_trace_id, new_trace_id, trace_id_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def test_takes_the_trace_id_of_a_valid_header() -> None:
    assert trace_id_of(f"00-{TRACE}-{PARENT}-01") == TRACE
    # A version to come may say more.
    assert trace_id_of(f"cc-{TRACE}-{PARENT}-01-what-the-future-brings") == TRACE


@pytest.mark.parametrize(
    "header",
    [
        "",
        TRACE,
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}\n-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-0g",
    ],
)
def test_refuses_any_other_header(header: str) -> None:
    assert trace_id_of(header) is None


def test_makes_trace_ids_of_its_own() -> None:
    first, second = new_trace_id(), new_trace_id()

    assert first != second
    assert is_trace_id(first)
    assert not is_trace_id(None)


def test_holds_for_a_block_and_joins_its_log_lines() -> None:
    before = current()

    with bound(Origin(via=Via.TASK, trace_id=TRACE)):
        assert (current().via, current().trace_id) == ("task", TRACE)
        assert get_contextvars()["trace_id"] == TRACE
        with bound(Origin(via=Via.COMMAND)):
            assert current().trace_id != TRACE
        assert current().trace_id == TRACE

    assert current() == before
    assert "trace_id" not in get_contextvars()
