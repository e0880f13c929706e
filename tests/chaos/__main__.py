"""`python -m tests.chaos`: a whole hub with two gateways and 200 sessions, and one fault after the other.

Half of the sockets belong to links with a hosted CEM, half to relayed ones. After each fault everybody has to be served
again within the promised time, and an audit compares what each client had acknowledged with what the other side or the
store has. Lost after an OK: 0. Executed twice: 0. The exit status is 1 where that does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys

# First of all, as it prepares the environment that Django's settings read.
from tests.support.early import GIVEN, ROOT

HOSTED, PAIRS = 100, 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Break a hub, and audit what is left.")
    parser.add_argument("--hosted", type=int, default=HOSTED, help="devices with a hosted CEM (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="relayed links of two sockets (default: %(default)s)")
    parser.add_argument("--only", default="", help="only the faults with this in their name")
    chosen = parser.parse_args()

    os.environ["DJANGO_SETTINGS_MODULE"] = "flexhub.settings"
    import django

    django.setup()
    # What the hub's processes have to say is in their own logs.
    logging.disable(logging.INFO)
    from tests.chaos.run import Run
    from tests.support.hub import running_hub
    from tests.support.services import running_services

    with running_services(GIVEN) as addresses, running_hub(addresses, f"chaos_{os.getpid()}") as hub:
        run = Run(hub, hosted=chosen.hosted, pairs=chosen.pairs, only=chosen.only, say=_say)
        clean = asyncio.run(run.through())
        if not clean:
            kept = ROOT / ".flexhub" / "chaos.log"
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(hub.log_tails(), encoding="utf-8")
            _say(f"the ends of all logs are in {kept}")
    return 0 if clean else 1


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # What the command is for.


if __name__ == "__main__":
    sys.exit(main())
