"""Cleans up after a supervisor that was killed: waits until its standard input ends, then ends what is recorded.

The supervisor holds the other end of that pipe, and the kernel closes it however the supervisor ends. After a regular
stop there are no records any more and nothing is left to do.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from flexhub.demo.processes import end_recorded


def main() -> None:
    # Whoever signals the whole demo does not mean the one that cleans up after it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.read()
    end_recorded(Path(sys.argv[1]), lambda _: None)


if __name__ == "__main__":
    main()
