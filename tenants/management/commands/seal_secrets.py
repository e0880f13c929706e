"""`manage.py seal_secrets`: stored secrets under the keys that are for new ones."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from tenants.commands import TracedCommand
from tenants.sealing_again import Tally, owners, seal_again


class Command(TracedCommand):
    help = "Seals every stored secret that its tenant's data key for new texts has not sealed. May be interrupted."

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        tally = Tally()
        for tenant_id in owners():
            tally += seal_again(tenant_id)
        self.stdout.write(f"Secrets sealed again: {tally.sealed}.")
        if tally.unreadable:
            raise CommandError(
                f"Secrets that none of our keys opens: {tally.unreadable}. They stay as they are: put the key that is"
                " missing back into SECRETS_KEYS and run this again, or enter them anew."
            )
