from __future__ import annotations

import pytest

from flexhub.pairing.addresses import AddressRefused, check_url, is_token


@pytest.mark.parametrize(
    "url",
    ["wss://ems.example", "wss://ems.example:8443/s2/v0/1?key=a", "wss://8.8.8.8/", "wss://[2606:4700::1111]:1/x"],
)
def test_takes_addresses_of_the_public_internet(url: str) -> None:
    check_url(url, plain=False, private=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ems.example",
        "https://ems.example",
        "ws://ems.example",
        "wss://",
        "wss:///path",
        "wss://ems.example:port",
        "wss://[ems.example",
        "wss://ems.example/#part",
        "wss://user:hidden@ems.example",
        "wss://ems.example/a b",
        "wss://ems.example/a\r\nX-Header: 1",
        "wss://emś.example",
        "wss://ems.example/" + "x" * 500,
        "wss://localhost",
        "wss://127.0.0.1",
        "wss://[::1]",
        "wss://10.1.2.3",
        "wss://169.254.169.254/latest/meta-data",
    ],
)
def test_refuses_anything_else_without_repeating_secrets(url: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        check_url(url, plain=False, private=False)

    assert "hidden" not in str(caught.value)


def test_an_operator_may_allow_more() -> None:
    check_url("ws://ems.example", plain=True, private=False)
    check_url("ws://127.0.0.1:8000/x", plain=True, private=True)
    check_url("wss://localhost", plain=False, private=True)
    with pytest.raises(AddressRefused):
        check_url("http://ems.example", plain=True, private=True)


@pytest.mark.parametrize(("text", "valid"), [("abc.DEF-1_2", True), ("", False), ("a b", False), ("é", False)])
def test_knows_what_can_be_a_bearer_token(text: str, valid: bool) -> None:
    assert is_token(text) is valid
    assert not is_token("x" * 4097)
