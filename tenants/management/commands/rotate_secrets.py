"""`manage.py rotate_secrets`: other keys for stored secrets, while the hub runs. `docs/operations.md` says when."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from django.utils import timezone

from tenants import key_ring
from tenants.commands import TracedCommand
from tenants.envelope import read_box
from tenants.key_ring import KeysUnreadable
from tenants.key_rotation import GRACE, finish_rotations, replace_data_key, wrap_again
from tenants.models import DataKey, Tenant
from tenants.scope import platform_scope
from tenants.sealing_again import owners


class Command(TracedCommand):
    help = "Changes the keys that stored secrets are encrypted with. Each part may be interrupted and run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parts = parser.add_subparsers(dest="part", required=True)
        parts.add_parser("status", help="say which keys are in use")
        parts.add_parser("key-encryption-key", help="wrap every data key with the first of SECRETS_KEYS")
        data_key = parts.add_parser("data-key", help="take another data key and seal the secrets again")
        whose = data_key.add_mutually_exclusive_group(required=True)
        whose.add_argument("--tenant", metavar="NAME", help="this tenant's")
        whose.add_argument("--platform", action="store_true", help="the platform's own")
        whose.add_argument("--all", action="store_true", help="everybody's")

    def handle(self, *_arguments: Any, part: str, **options: Any) -> None:
        try:
            if part == "status":
                self._show()
            elif part == "key-encryption-key":
                self._wrap()
            else:
                self._replace(_owners(options))
        except KeysUnreadable as error:
            raise CommandError(f"{error}; put the file back and run this again.") from error

    def _show(self) -> None:
        with platform_scope("count data keys"):
            rows = list(DataKey.objects.values_list("wrapped", "retired_at"))
        uses = Counter(read_box(wrapped).key_id for wrapped, _ in rows)
        known = key_ring.known_ids()
        for key_id in [*known, *sorted(uses.keys() - set(known))]:
            note = "first" if key_id == known[0] else "may be removed" if not uses[key_id] else "in use"
            self.stdout.write(f"{key_id}  {note if key_id in known else 'MISSING'}, data keys: {uses[key_id]}")
        self.stdout.write(f"Data keys being replaced: {sum(retired_at is not None for _, retired_at in rows)}.")

    def _wrap(self) -> None:
        tally = wrap_again()
        self.stdout.write(f"Data keys wrapped again: {tally.sealed}.")
        if tally.unreadable:
            raise CommandError(f"Data keys whose key-encryption key is not among SECRETS_KEYS: {tally.unreadable}.")

    def _replace(self, tenant_ids: list[UUID | None]) -> None:
        for tenant_id in tenant_ids:
            replace_data_key(tenant_id, now=timezone.now())
        tally = finish_rotations(now=timezone.now())
        minutes = int(GRACE.total_seconds() / 60)
        self.stdout.write(
            f"Secrets sealed again: {tally.sealed}. Beat drops the old data keys, not before {minutes} minutes."
        )
        if tally.unreadable:
            raise CommandError(
                f"Secrets that none of our keys opens: {tally.unreadable}. They have to be entered anew."
            )


def _owners(options: dict[str, Any]) -> list[UUID | None]:
    """Raises CommandError for a name that no tenant has."""
    if options["all"]:
        return owners()
    if options["platform"]:
        return [None]
    with platform_scope("look for a tenant by its name"):
        tenant = Tenant.objects.filter(name=options["tenant"]).first()
    if tenant is None:
        raise CommandError(f"--tenant: there is no tenant {options['tenant']!r}.")
    return [tenant.pk]
