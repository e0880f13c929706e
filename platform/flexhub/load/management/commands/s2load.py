"""`manage.py s2load prepare | run | clean`: how much load does this hub carry?"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from flexhub.load import registry
from flexhub.load.engine.command import add_run_arguments, run_command, whole_number
from tenants.commands import TracedCommand
from tenants.models import Tenant


class Command(TracedCommand):
    help = "Plays many devices of this hub, and measures how it answers them."
    # They judge the code and not the machine.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parts = parser.add_subparsers(dest="part", required=True)
        prepare = parts.add_parser("prepare", help="register devices for a load test, and write their tokens to a file")
        prepare.add_argument("--devices", type=whole_number, required=True, help="how many")
        prepare.add_argument("--per-site", type=whole_number, default=1, help="how many in a site (default: 1)")
        prepare.add_argument(
            "--building-cems", action="store_true", help="each site is managed by a CEM that signs in as well"
        )
        prepare.add_argument("--out", type=Path, required=True, help="the file to write, readable by you alone")
        clean = parts.add_parser("clean", help="delete what prepare registered for a tenant")
        for part in (prepare, clean):
            part.add_argument("--tenant", required=True, help="the name or id of the provider")
            part.add_argument("--yes", action="store_true", help="yes, change the rows of this tenant")
        add_run_arguments(parts.add_parser("run", help="open the sessions, send, and report"))

    def handle(self, *, part: str, **options: Any) -> None:
        if part == "run":
            code = run_command(options, self.stdout.write)
            if code:
                sys.exit(code)
            return
        try:
            tenant = registry.provider(options["tenant"])
        except (registry.UnknownTenant, registry.NotAProvider) as error:
            raise CommandError(f"{error}. A provider of its own is best for load tests.") from error
        if part == "prepare":
            self._prepare(tenant, options)
        else:
            self._clean(tenant, options)

    def _prepare(self, tenant: Tenant, options: dict[str, Any]) -> None:
        number, out = options["devices"], options["out"]
        if not options["yes"]:
            strangers = registry.strangers_of(tenant)
            raise CommandError(
                f"This would register {number} devices for {tenant}, which has {strangers} sites that are not of a"
                " load test. Say --yes if that is meant."
            )
        if out.exists():
            raise CommandError(f"{out} exists already, and may hold tokens that are still in use.")
        try:
            registry.prepare(
                tenant=tenant,
                number=number,
                per_site=options["per_site"],
                building_cems=options["building_cems"],
                out=out,
                progress=self._progress,
            )
        except OSError as error:
            raise CommandError(f"Nothing was registered: {error}") from error
        self.stdout.write(f"{number} devices of {tenant}; their tokens are in {out}")

    def _clean(self, tenant: Tenant, options: dict[str, Any]) -> None:
        if not options["yes"]:
            raise CommandError(f"This would delete all load test sites of {tenant}. Say --yes if that is meant.")
        number = registry.clean(tenant=tenant, progress=self._progress)
        self.stdout.write(f"{number} sites of load tests deleted")

    def _progress(self, number: int) -> None:
        self.stderr.write(f"{number} ...")
