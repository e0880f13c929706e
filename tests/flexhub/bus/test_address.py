from __future__ import annotations

import pytest

from flexhub.bus.address import Address, AddressError, Node, parse_address

SENTINELS = "rediss+sentinel://ana:p%40ss@one:1,two,[::1]:3/the%2Dhub/2?ssl_ca_certs=/ca.pem&sentinel_password=a%26b"


@pytest.mark.parametrize("url", ["redis://:secret@127.0.0.1:6379/3", "rediss://host", "redis://[::1]:6379/0?db=2"])
def test_one_server_is_left_to_redis_py(url: str) -> None:
    assert parse_address(url) == Address("server", url)


def test_sentinels_and_the_name_of_the_master() -> None:
    address = parse_address(SENTINELS)

    assert (address.kind, address.master, address.database) == ("sentinel", "the-hub", 2)
    assert address.nodes == (Node("one", 1), Node("two", 26379), Node("::1", 3))
    assert address.sentinel_login == {"password": "a&b"}


def test_a_server_gets_the_login_the_database_and_the_options_of_the_whole() -> None:
    url = parse_address(SENTINELS).url_of(Node("::1", 7))

    assert url == "rediss://ana:p%40ss@[::1]:7/2?ssl_ca_certs=%2Fca.pem"


def test_members_of_a_cluster() -> None:
    address = parse_address("redis+cluster://:secret@one:7000,two")

    assert (address.kind, address.nodes) == ("cluster", (Node("one", 7000), Node("two", 6379)))
    assert address.url_of(Node("three", 7002)) == "redis://:secret@three:7002/0"


def test_a_sentinel_address_without_a_database_means_the_first() -> None:
    assert parse_address("redis+sentinel://one/hub").database == 0


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://host", r"redis://host:6379/0, .*redis\+sentinel://.*redis\+cluster://"),
        ("host:6379", "redis://host:6379/0"),
        ("redis://[::1/0", "redis://host:6379/0"),
        ("redis://a,b/0", "several servers"),
        ("redis://a:port/0", "host:port"),
        ("redis+sentinel://one:26379", r"by its name: redis\+sentinel://"),
        ("redis+sentinel://one/hub/first", "by its name"),
        ("redis+sentinel://one:x/hub", "host:port"),
        ("redis+cluster://", "host:port"),
        ("redis+cluster://one,,two", "host:port"),
        ("redis+cluster://one/3", "no numbered databases"),
    ],
)
def test_anything_else_is_told_what_it_should_be(url: str, wanted: str) -> None:
    with pytest.raises(AddressError, match=wanted):
        parse_address(url)


def test_neither_errors_nor_the_address_itself_show_passwords() -> None:
    with pytest.raises(AddressError) as caught:
        parse_address("redis+sentinel://:hunter2@one")

    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(parse_address("redis://:hunter2@one"))
