from typing import Any

from django.core.management import call_command

from tenants.commands import TracedCommand
from tenants.origin import current, is_trace_id


class Command(TracedCommand):
    requires_system_checks = ()

    def handle(self, *_arguments: Any, **_options: Any) -> str:
        return f"{current().via} {current().trace_id}"


def test_what_a_command_changes_comes_from_it() -> None:
    via, trace_id = str(call_command(Command())).split()

    assert via == "command"
    assert is_trace_id(trace_id)
    assert current().via is None
