#!/usr/bin/env python
"""Django's command line. `platform/` is a source root, so it goes on the path first (decision 0001)."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "platform"))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexhub.settings")
    from django.core.management import execute_from_command_line

    from flexhub import celery  # noqa: F401 - What a command or the shell sends would else go to no broker of ours.

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
