"""`manage.py erase_household`: shut a household out and erase it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from tenants.commands import TracedCommand
from tenants.privacy import erasure
from tenants.privacy.finding import UnknownHousehold, household_named


class Command(TracedCommand):
    help = "Shuts a household out at once; the tasks of the hub erase it some minutes later. May be given again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="the name or id of the provider")
        parser.add_argument("--household", required=True, help="the name or id of its customer")
        parser.add_argument("--yes", action="store_true", help="yes, erase it; nothing brings it back")

    def handle(self, *, tenant: str, household: str, yes: bool, **_: Any) -> None:
        try:
            found = household_named(tenant, household)
        except UnknownHousehold as error:
            raise CommandError(str(error)) from error
        if not yes:
            raise CommandError(f"This would erase {found} of {found.tenant} for good. Say --yes if that is meant.")
        begun = erasure.request(found, now=timezone.now(), actor=None)
        self.stdout.write(f"{found} is shut out. Erasure {begun.pk} goes on by itself and takes some minutes.")
