from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from tests.support.dumps import dump_of_redis, written_forms

SECRET = "correct horse/battery+staple"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("after", ["", "z", "zz"])
def test_finds_a_secret_inside_an_encoded_text(before: str, after: str) -> None:
    text = f"{before}{SECRET}{after}"
    forms = written_forms(SECRET).values()

    for data in (text, quote(text, safe=""), text.encode().hex()):
        assert any(form in data.encode() for form in forms)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert any(form in encode(text.encode()) for form in forms)
        assert not any(form in encode(text.replace("horse", "house").encode()) for form in forms)


def test_reads_every_kind_of_key(redis_url: str) -> None:
    import redis

    with redis.Redis.from_url(redis_url, socket_timeout=10) as client:
        client.set("a", "one")
        client.hset("b", "two", "three")
        client.rpush("c", "four")
        client.sadd("d", "five")
        client.zadd("e", {"six": 1})
        client.xadd("f", {"seven": "eight"})

    dump = dump_of_redis(redis_url)

    assert set(b"a b c d e f one two three four five six seven eight".split()) <= set(dump.split(b"\n"))
