"""Instructions that wait for their time."""

from dataclasses import dataclass
from datetime import datetime

from flexhub.demo.rm.queue import InstructionQueue
from flexhub.demo.rm.timing import utc


@dataclass(frozen=True)
class Order:
    id: str
    execution_time: datetime


def order(name: str) -> Order:
    return Order(name, utc(0))


def test_hands_out_what_is_due_in_the_order_of_time() -> None:
    queue: InstructionQueue[Order] = InstructionQueue()
    queue.put(order("a"), 10)
    queue.put(order("b"), 20)
    queue.put(order("c"), 30)

    assert queue.next_s() == 10
    assert [each.id for _, each in queue.take_due(20)] == ["a", "b"]
    assert queue.next_s() == 30


def test_a_newer_one_replaces_what_lies_at_its_time_or_later() -> None:
    queue: InstructionQueue[Order] = InstructionQueue()
    for name, start_s in (("a", 10), ("b", 20), ("c", 30)):
        queue.put(order(name), start_s)

    replaced = queue.put(order("d"), 20)

    assert [each.id for each in replaced] == ["b", "c"]
    assert [each.id for _, each in queue.take_due(99)] == ["a", "d"]


def test_takes_back_by_id() -> None:
    queue: InstructionQueue[Order] = InstructionQueue()
    queue.put(order("a"), 10)

    assert queue.take("nobody") is None
    assert queue.take("a") == order("a")
    assert queue.next_s() is None


def test_clearing_returns_what_waited() -> None:
    queue: InstructionQueue[Order] = InstructionQueue()
    queue.put(order("a"), 10)

    assert queue.clear() == [order("a")]
    assert queue.clear() == []
