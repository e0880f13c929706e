"""The base of our management commands."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.management.base import BaseCommand

from tenants.origin import Origin, Via, bound


class TracedCommand(BaseCommand):
    """Binds the origin of what a command changes; its audit rows and log lines bear one trace id."""

    via: ClassVar[Via] = Via.COMMAND

    def execute(self, *args: Any, **options: Any) -> str | None:
        with bound(Origin(via=self.via)):
            return super().execute(*args, **options)
