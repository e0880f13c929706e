"""The arguments of a run, and what the person who gave them reads. Used with and without Django."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from math import ceil, isfinite
from pathlib import Path
from typing import Any

from websockets.exceptions import InvalidURI
from websockets.uri import parse_uri

from flexhub.load.engine.crowd import Plan
from flexhub.load.engine.files import TooFewFiles, allow_sockets
from flexhub.load.engine.mix import NotAMix, parse_mix
from flexhub.load.engine.report import as_json, as_text
from flexhub.load.engine.spread import ProcessLost, run
from flexhub.load.engine.targets import BadTargets, read_targets

CLEAN, NOT_CLEAN, UNUSABLE = 0, 1, 2
_MIX = "measurement=8,actuator-status=1,storage-status=1"


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", required=True, type=_url, help="the hub, as ws://host:port or wss://host")
    parser.add_argument("--targets", required=True, type=Path, help="the file that `s2load prepare` wrote")
    parser.add_argument("--sessions", type=whole_number, help="how many of the targets sign in (default: all)")
    parser.add_argument("--rate", type=_positive, default=100.0, help="messages a second in all (default: 100)")
    parser.add_argument("--seconds", type=_positive, default=60.0, help="how long they are sent (default: 60)")
    parser.add_argument("--mix", type=_mix, default=_MIX, help="what is sent, how often (default: %(default)s)")
    parser.add_argument("--connect-rate", type=_positive, default=100.0, help="connections a second (default: 100)")
    parser.add_argument("--ack-timeout", type=_positive, default=10.0, help="seconds for an answer (default: 10)")
    parser.add_argument("--linger", type=_positive, default=0.0, help="seconds that sessions stay open at the end")
    parser.add_argument("--record", type=Path, help="a new file for what was acknowledged OK")
    parser.add_argument("--processes", type=whole_number, default=1, help="processes to spread the sessions over")
    parser.add_argument("--no-verify", action="store_true", help="take any certificate of a wss:// server")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")


def run_command(options: Mapping[str, Any], write: Callable[[str], object] | None = None) -> int:
    """0 when every session came up and all was acknowledged, 1 when not, 2 when there was nothing to run."""
    write = write or (lambda text: sys.stdout.write(f"{text}\n"))
    try:
        targets = read_targets(options["targets"])
        number = options["sessions"] or len(targets)
        if number > len(targets):
            raise BadTargets(f"{options['targets']} has {len(targets)} targets, not {number}")
        processes = options["processes"]
        allow_sockets(ceil(number / processes))
        if options["record"] is not None:
            options["record"].touch(mode=0o600, exist_ok=False)
        plan = Plan(
            url=options["url"],
            turns=options["mix"],
            rate=options["rate"],
            connect_rate=options["connect_rate"],
            seconds=options["seconds"],
            ack_timeout_s=options["ack_timeout"],
            verifies_certificates=not options["no_verify"],
            linger_s=options["linger"],
            record=options["record"],
        )
        tally = run(plan, targets[:number], processes)
    except (BadTargets, TooFewFiles, ProcessLost, OSError) as error:
        sys.stderr.write(f"s2load: {error}\n")
        return UNUSABLE
    write(json.dumps(as_json(tally)) if options["json"] else as_text(tally))
    return CLEAN if tally.clean else NOT_CLEAN


def _url(text: str) -> str:
    try:
        parse_uri(text)
    except InvalidURI as error:
        raise argparse.ArgumentTypeError(f"should begin with ws:// or wss://: {text}") from error
    return text


def _mix(text: str) -> object:
    try:
        return parse_mix(text)
    except NotAMix as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def whole_number(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"should be a whole number from 1 on: {text}")
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not isfinite(value) or value <= 0:
        raise argparse.ArgumentTypeError(f"should be a number above 0: {text}")
    return value
