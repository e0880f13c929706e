"""`manage.py export_household`: all that is known about a household, as one file."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from tenants.commands import TracedCommand
from tenants.privacy.export import export
from tenants.privacy.finding import UnknownHousehold, household_named
from tenants.privacy.holdings import StoreUnavailable

# Readable by whoever runs this alone, and never in the place of another file.
_NEW_AND_PRIVATE = os.O_RDWR | os.O_CREAT | os.O_EXCL


class Command(TracedCommand):
    help = "Writes all that is known about a household into a zip."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="the name or id of the provider")
        parser.add_argument("--household", required=True, help="the name or id of its customer")
        parser.add_argument("--out", type=Path, required=True, help="the file to write, readable by you alone")

    def handle(self, *, tenant: str, household: str, out: Path, **_: Any) -> None:
        try:
            found = household_named(tenant, household)
            with os.fdopen(os.open(out, _NEW_AND_PRIVATE, 0o600), "w+b") as file:
                export(found, file, actor=None)
        except FileExistsError as error:
            raise CommandError(f"{out} exists already.") from error
        except (UnknownHousehold, OSError) as error:
            raise CommandError(str(error)) from error
        except StoreUnavailable as error:
            out.unlink()
            raise CommandError(f"{error}. Try again later.") from error
        self.stdout.write(f"All that is known about {found} is in {out}.")
