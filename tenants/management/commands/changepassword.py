"""Django's command, in the scope that people are found in, and with an audit row."""

from __future__ import annotations

import getpass
from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.db import connection

from tenants import audit
from tenants.commands import TracedCommand
from tenants.models import User
from tenants.scope import identity_scope, platform_scope
from tenants.signin import notices


class Command(TracedCommand, changepassword.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        with identity_scope("change a password by command"), connection.cursor() as cursor:
            # A person types, and PostgreSQL would take the silence for a process that hangs.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            done: str | None = super().handle(*args, **options)
            user = User.objects.get(username=options["username"] or getpass.getuser())
            with platform_scope("tell of a password that was changed by command"):
                audit.record("tenants.user.password_changed", user, actor=None)
            notices.password_changed(user, actor=None)
        return done
