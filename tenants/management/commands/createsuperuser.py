"""Django's command, whose audit row (`People.create_superuser`) says that it was one."""

from __future__ import annotations

from django.contrib.auth.management.commands import createsuperuser

from tenants.commands import TracedCommand


class Command(TracedCommand, createsuperuser.Command):
    pass
