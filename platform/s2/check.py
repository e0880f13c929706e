"""`python -m s2.check FILE.jsonl`: what the S2 standard says against a recorded conversation.

Reads a recording (see `s2.recording`), prints each finding, and ends with status 1 where there are errors, 0 where
there are none, and 2 where the file or the arguments cannot be used. Findings go to standard output, in text or, with
--json, one object a line; complaints go to standard error. The file is read as a stream, whatever its length.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from s2.findings import Severity
from s2.messages import EnergyManagementRole
from s2.observer import Observed, Observer
from s2.recording import Frame, NotAFrame, read_frame
from s2.strictness import QUIRK_TEXTS, Quirk, Strictness
from s2.versions import ALL_PROFILES, WireProfile

OK, FOUND_ERRORS, UNUSABLE = 0, 1, 2


class Unusable(Exception):
    """The recording cannot be read; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """A finding with the moment and the line at which it was made."""

    at: datetime
    line: int
    observed: Observed

    def as_text(self) -> str:
        finding = self.observed.finding
        about = " ".join(part for part in (finding.message_type, finding.message_id) if part) or "frame"
        allowed = f" [{finding.quirk}]" if finding.quirk else ""
        return (
            f"{self.at.isoformat()} {self.observed.by.value}: {finding.rule} {finding.severity.value} in {about}\n"
            f"    {finding.path}: {finding.text}{allowed}"
        )

    def as_json(self) -> str:
        told = {"at": self.at.isoformat(), "line": self.line, "by": self.observed.by.value}
        return json.dumps(told | self.observed.finding.as_dict())


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    try:
        return _report(options)
    except (Unusable, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # Whoever read our findings has seen enough. Nothing may be flushed into the pipe at exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return UNUSABLE
        print(f"s2.check: {error}", file=sys.stderr)
        return UNUSABLE


def _report(options: argparse.Namespace) -> int:
    frames = Counter[EnergyManagementRole]()
    found = Counter[Severity]()
    with ExitStack() as stack:
        lines: Iterable[bytes] = sys.stdin.buffer
        if options.file != "-":
            lines = stack.enter_context(Path(options.file).open("rb"))
        for each in discoveries(_frames(lines, frames), options.version, _strictness(options)):
            severity = each.observed.finding.severity
            found[severity] += 1
            if options.warnings or severity is Severity.ERROR:
                print(each.as_json() if options.json else each.as_text())
    if not options.json:
        print(_summary(frames, found))
    sys.stdout.flush()
    return FOUND_ERRORS if found[Severity.ERROR] else OK


def discoveries(
    frames: Iterable[tuple[int, Frame]],
    version: WireProfile | None = None,
    strictness: dict[EnergyManagementRole, Strictness] | None = None,
) -> Iterator[Discovery]:
    """Judge the numbered frames of one conversation.

    `version` is what S2 Connect had agreed before. Without it the conversation begins with Handshakes, unless its
    first message are the details: then the newest version counts.
    """
    observer: Observer | None = None
    for line, frame in frames:
        if observer is None:
            observer = Observer(version or _version_before(frame), strictness=strictness)
        while (due := observer.next_deadline()) is not None and due <= frame.at:
            yield from (Discovery(due, line, each) for each in observer.tick(due))
        yield from (Discovery(frame.at, line, each) for each in observer.feed(frame.text, frame.sender, frame.at))


def _version_before(first: Frame) -> WireProfile | None:
    return ALL_PROFILES[-1] if '"ResourceManagerDetails"' in first.text else None


def _frames(lines: Iterable[bytes], counted: Counter[EnergyManagementRole]) -> Iterator[tuple[int, Frame]]:
    latest: datetime | None = None
    for number, line in enumerate(lines, 1):
        try:
            frame = read_frame(line)
        except NotAFrame as problem:
            raise Unusable(f"line {number}: {problem}") from None
        if frame is None:
            continue
        # Two clocks may have stamped the frames, but their order is what the file says.
        latest = frame.at if latest is None else max(latest, frame.at)
        counted[frame.sender] += 1
        yield number, replace(frame, at=latest)
    if latest is None:
        raise Unusable("no frames in it")


def _summary(frames: Counter[EnergyManagementRole], found: Counter[Severity]) -> str:
    by_side = ", ".join(f"{frames[role]} from the {role.value}" for role in EnergyManagementRole)
    return f"{by_side}: {_count(found, Severity.ERROR)}, {_count(found, Severity.WARNING)}"


def _count(found: Counter[Severity], severity: Severity) -> str:
    return f"{found[severity]} {severity.value}{'' if found[severity] == 1 else 's'}"


def _strictness(options: argparse.Namespace) -> dict[EnergyManagementRole, Strictness]:
    allowances = Strictness(lenient=options.lenient, quirks=frozenset(options.quirk))
    return dict.fromkeys(EnergyManagementRole, allowances)


def _version(text: str) -> WireProfile:
    version = WireProfile.of(text)
    if version is None:
        raise argparse.ArgumentTypeError(f"should be one of {', '.join(ALL_PROFILES)}")
    return version


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m s2.check", description="Say what the S2 standard has against a recorded conversation."
    )
    parser.add_argument(
        "file", metavar="FILE", help="the recording, one JSON object a line (see s2.recording); - for stdin"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a finding, no summary")
    parser.add_argument(
        "--no-warnings", dest="warnings", action="store_false", help="print errors only; warnings are still counted"
    )
    parser.add_argument(
        "--version",
        type=_version,
        metavar="VERSION",
        help="the recording begins after S2 Connect had agreed this version",
    )
    parser.add_argument("--lenient", action="store_true", help="take what does no harm, as a lenient session does")
    quirks = "; ".join(f"{quirk.value}: {text}" for quirk, text in QUIRK_TEXTS.items())
    parser.add_argument(
        "--quirk",
        action="append",
        type=Quirk,
        choices=list(Quirk),
        default=[],
        metavar="NAME",
        help=f"a known habit to allow. {quirks}",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
