"""`manage.py seal_secrets`: the second step of changing a key of SECRETS_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from flexhub.pairing.dialled import seal_tokens_again
from tenants.commands import TracedCommand
from tenants.secrets import SealedWithAnotherKeyError


class Command(TracedCommand):
    help = "Encrypts every stored secret under the first of SECRETS_KEYS, so that the keys behind it can go."

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        try:
            count = seal_tokens_again()
        except SealedWithAnotherKeyError as error:
            raise CommandError(f"{error}; nothing was changed.") from error
        self.stdout.write(f"Secrets sealed under the first key: {count}.")
