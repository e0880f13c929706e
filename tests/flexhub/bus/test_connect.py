from __future__ import annotations

from flexhub.bus.connect import connect_gateway, connect_worker


async def test_workers_share_a_bus_and_gateways_do_not() -> None:
    url = "redis://127.0.0.1:1/0"

    assert connect_worker(url) is connect_worker(url)
    assert connect_gateway(url) is not connect_gateway(url)
