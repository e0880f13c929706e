"""`python -m flexhub.load --url ws://... --targets FILE`: the run alone, for a machine without a database."""

from __future__ import annotations

import argparse
import sys

from flexhub.load.engine.command import add_run_arguments, run_command


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m flexhub.load", description="Play many devices of a hub, and measure it."
    )
    add_run_arguments(parser)
    return run_command(vars(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
