"""Makes a query without a scope fail loudly.

PostgreSQL answers such a query with no rows, which is safe and easily taken for "there is none". So Django does not
send it: a guard on each connection of the application looks at every statement that runs without a scope, and raises
when it names a table under row-level security. Inside a scope it costs one comparison.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper

# These read and write no rows, or, as TRUNCATE, only with a privilege that the application's role does not have.
_HARMLESS = frozenset({"ALTER", "COMMENT", "CREATE", "DO", "DROP", "GRANT", "REVOKE", "TRUNCATE"})


class NoScopeError(RuntimeError):
    """A query on rows of tenants or people without a scope: it could only ever find nothing. Open one around it."""


class ScopeGuard:
    """Wraps the statements of one connection, which belongs to one thread."""

    def __init__(self) -> None:
        self._open_scopes = 0

    def __call__(
        self, execute: Callable[..., Any], sql: object, params: Any, many: bool, context: Mapping[str, Any]
    ) -> Any:
        """Raises NoScopeError. The signature is that of Django's database instrumentation."""
        if not self._open_scopes and (table := protected_table_in(str(sql))):
            raise NoScopeError(
                f"{table} is asked without a scope; open tenant_scope, identity_scope or platform_scope around it"
            )
        return execute(sql, params, many, context)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Let everything through for as long as a scope lasts."""
        self._open_scopes += 1
        try:
            yield
        finally:
            self._open_scopes -= 1


def guard_of(connection: BaseDatabaseWrapper) -> ScopeGuard:
    """The guard of this connection, which gets one if it has none."""
    for wrapper in connection.execute_wrappers:
        if isinstance(wrapper, ScopeGuard):
            return wrapper
    guard = ScopeGuard()
    # The first: whoever wraps statements for a while takes the last one away again.
    connection.execute_wrappers.insert(0, guard)
    return guard


def watch(connection: BaseDatabaseWrapper, **_: object) -> None:
    """For the signal that a connection was made. The owner's, which migrates, stays as it is."""
    if connection.alias == DEFAULT_DB_ALIAS:
        guard_of(connection)


def protected_table_in(sql: str) -> str | None:
    """The first table under row-level security that a statement names."""
    first_word = sql.split(None, 1)[0].upper() if sql.strip() else ""
    found = None if first_word in _HARMLESS else _protected_tables().search(sql)
    return found[0] if found else None


@lru_cache(maxsize=1)
def _protected_tables() -> re.Pattern[str]:
    from tenants.rls import protected_models  # Models, which import this module, have to be there first.

    names = sorted(model._meta.db_table for model in protected_models())
    # PostgreSQL reads a name without quotes in lower case, however it is written.
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b", re.IGNORECASE)
