"""Everything that PostgreSQL and Redis hold, as bytes to search; and the ways in which a secret may be written."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import psycopg
import redis
from psycopg import sql

_TABLES = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"


def dump_of_database(url: str) -> bytes:
    """Every table, as COPY writes it. `url` is that of a role that may see all rows, or of one that obeys the scope."""
    found: list[bytes] = []
    with psycopg.connect(url, connect_timeout=10) as connection:
        connection.execute("SELECT set_config('app.scope', 'platform', false)")
        for schema, table in connection.execute(_TABLES).fetchall():
            statement = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(sql.Identifier(schema, table))
            with connection.cursor().copy(statement) as copy:
                found += [f"-- {table}\n".encode(), *(bytes(block) for block in copy)]
    return b"".join(found)


def dump_of_redis(url: str) -> bytes:
    """Every key with its value, entries of streams included."""
    with redis.Redis.from_url(url, socket_timeout=10) as client:
        return b"\n".join(part for key in client.scan_iter(count=1000) for part in _flat((key, _value(client, key))))


def written_forms(secret: str) -> dict[str, bytes]:
    """By the name of the encoding. In base64 it depends on what is in front of it, so there are three of those."""
    data = secret.encode()
    forms = {
        "in the clear": data,
        "as a URL": quote(secret, safe="").encode(),
        "as a form": quote_plus(secret).encode(),
        "in hexadecimal": data.hex().encode(),
    }
    for shift in range(3):
        # Whatever depends on the neighbours is cut off.
        start, end = (0, 2, 3)[shift], -4 if (len(data) + shift) % 3 else None
        for name, encode in (("base64", base64.b64encode), ("base64 of URLs", base64.urlsafe_b64encode)):
            forms[f"in {name}, shifted by {shift}"] = encode(b"\0" * shift + data)[start:end]
    return forms


def _value(client: redis.Redis, key: bytes) -> Any:
    readers: dict[Any, Any] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"stream": client.xrange,
        # It has gone in between.
        b"none": lambda _key: b"",
    }
    return readers[client.type(key)](key)


def _flat(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for item in value.items():
            yield from _flat(item)
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from _flat(each)
