from __future__ import annotations

from autobahn.websocket.compress import PerMessageDeflate, PerMessageDeflateOffer

from flexhub.gateway.daphne_server import accept_deflate
from flexhub.gateway.limits import DEFLATE_WINDOW_BITS


def offer(*, windows: bool = True, no_context: bool = True, server_bits: int = 0) -> PerMessageDeflateOffer:
    return PerMessageDeflateOffer(no_context, windows, False, server_bits)  # type: ignore[no-untyped-call]  # Partly typed.


def test_keeps_no_context_and_asks_the_peer_for_the_same() -> None:
    accepted = accept_deflate([offer()])

    assert accepted is not None
    assert accepted.no_context_takeover
    assert accepted.get_extension_string() == (  # type: ignore[no-untyped-call]  # Partly typed.
        f"permessage-deflate; client_no_context_takeover; client_max_window_bits={DEFLATE_WINDOW_BITS}"
    )


def test_bends_to_what_the_peer_can_do() -> None:
    accepted = accept_deflate([offer(windows=False, server_bits=9)])

    assert accepted is not None
    assert (accepted.request_max_window_bits, accepted.window_bits) == (0, 9)
    deflate = PerMessageDeflate.create_from_offer_accept(True, accepted)  # type: ignore[no-untyped-call]  # Partly typed.
    # A peer that cannot be asked for a small window may use the largest one.
    assert (deflate.client_max_window_bits, deflate.server_max_window_bits) == (15, 9)


def test_refuses_an_offer_that_would_keep_a_context() -> None:
    assert accept_deflate([object(), offer(no_context=False)]) is None
