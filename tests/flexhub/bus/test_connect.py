from __future__ import annotations

from django.test import override_settings

from flexhub.bus.connect import connect_gateway, connect_worker

URL = "redis://127.0.0.1:1/0"


async def test_workers_share_a_bus_and_gateways_do_not() -> None:
    assert connect_worker(URL) is connect_worker(URL)
    assert connect_gateway(URL) is not connect_gateway(URL)


def test_another_timeout_is_another_bus() -> None:
    with override_settings(REDIS_TIMEOUT_S=1.0):
        other = connect_worker(URL)

    assert other is not connect_worker(URL)
