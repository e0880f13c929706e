"""Django's command, in the scope that people are found in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.db import connection

from tenants.scope import identity_scope


class Command(changepassword.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        with identity_scope("change a password by command"), connection.cursor() as cursor:
            # A person types, and PostgreSQL would take the silence for a process that hangs.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            done: str | None = super().handle(*args, **options)
        return done
