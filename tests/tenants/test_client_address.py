import pytest

from tenants.client_address import MOST_PROXIES, TrustedProxies, client_address

NOBODY = TrustedProxies.parse("0")
ONE, TWO = TrustedProxies.parse("1"), TrustedProxies.parse("2")
OURS = TrustedProxies.parse("10.0.0.0/8, fd00::/8")


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "trusted", "expected"),
    [
        # Nobody is trusted: whatever is sent along is the sender's own invention.
        ("203.0.113.7", "", NOBODY, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", NOBODY, "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1, 10.0.0.1", NOBODY, "127.0.0.1"),
        # Behind one proxy: the last entry is the proxy's, those before it are the client's own.
        ("10.0.0.1", "203.0.113.7", ONE, "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7", ONE, "203.0.113.7"),
        ("10.0.0.1", "", ONE, "10.0.0.1"),
        ("", "203.0.113.7", ONE, "203.0.113.7"),
        # Behind two.
        ("10.0.0.1", "198.51.100.1, 203.0.113.7, 10.0.0.2", TWO, "203.0.113.7"),
        # By networks: as far as the first who is none of ours.
        ("10.0.0.1", "198.51.100.1, 203.0.113.7, 10.0.0.2", OURS, "203.0.113.7"),
        ("fd00::1", "203.0.113.7", OURS, "203.0.113.7"),
        ("203.0.113.7", "10.0.0.9", OURS, "203.0.113.7"),
        ("10.0.0.1", "10.0.0.2, 10.0.0.3", OURS, "10.0.0.2"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7, 10.0.0.2, 203.0.113.8", OURS, "203.0.113.8"),
    ],
)
def test_believes_our_own_proxies_and_nobody_else(
    peer: str, forwarded_for: str, trusted: TrustedProxies, expected: str
) -> None:
    assert client_address(peer, forwarded_for, trusted) == expected


@pytest.mark.parametrize("nonsense", ["unknown", "", "999.1.1.1", "<script>", "198.51.100.1, ", "1" * 5000, "a:b:c"])
def test_an_entry_that_is_no_address_leads_no_further(nonsense: str) -> None:
    assert client_address("10.0.0.1", nonsense, ONE) == "10.0.0.1"
    assert client_address("10.0.0.1", nonsense, OURS) == "10.0.0.1"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("203.0.113.7:5123", "203.0.113.7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_writes_an_address_in_one_way(entry: str, expected: str) -> None:
    assert client_address("10.0.0.1", entry, ONE) == expected


def test_a_peer_without_an_address_has_none() -> None:
    assert client_address("", "", NOBODY) is None
    assert client_address("", "203.0.113.7", OURS) is None


def test_reads_a_bounded_part_of_what_is_sent() -> None:
    long = ", ".join(["198.51.100.1"] * 1000 + ["10.0.0.2"] * MOST_PROXIES)

    assert client_address("10.0.0.1", long, OURS) == "10.0.0.2"


@pytest.mark.parametrize("text", ["many", "-1", "1000", "10.0.0.0/99", "10.0.0.1/8", "1, 2, x"])
def test_refuses_a_setting_that_means_nothing(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        TrustedProxies.parse(text)
