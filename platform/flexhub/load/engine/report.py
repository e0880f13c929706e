"""What a run says at its end."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flexhub.load.engine.histogram import Histogram
from flexhub.load.engine.tally import Tally

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
# Later than this and the latencies are partly the generator's own.
_TOO_FAR_BEHIND_S = 0.1


def as_json(tally: Tally) -> dict[str, Any]:
    """All that was counted, and what follows from it. Times in seconds, rates a second."""
    counted = tally.as_dict() | {"opening": _latencies(tally.opening), "answering": _latencies(tally.answering)}
    return counted | {
        "connect_rate": _rate(tally.opened, tally.connecting_s),
        "acknowledged_rate": _rate(tally.acknowledged, tally.measuring_s),
        "lost": tally.lost,
        "clean": tally.clean,
    }


def as_text(tally: Tally) -> str:
    connects, answers = _rate(tally.opened, tally.connecting_s), _rate(tally.acknowledged, tally.measuring_s)
    rows = [
        (
            "sessions",
            (
                f"{tally.opened} of {tally.sessions} opened in {tally.connecting_s:.1f} s ({connects:.0f}/s),"
                f" {tally.reopened} opened again"
            ),
        ),
        ("opening", _shown(tally.opening)),
        ("controlled", f"{tally.controlled} sessions under a control type, {tally.instructions} instructions obeyed"),
        (
            "messages",
            (
                f"{tally.sent} sent in {tally.measuring_s:.1f} s, {tally.acknowledged} acknowledged ({answers:.1f}/s),"
                f" {tally.held_back} held back"
            ),
        ),
        ("answering", _shown(tally.answering)),
        ("lost", f"{tally.unanswered} never answered, {tally.cut_off} unanswered when their connection ended"),
        ("refused", _listed(tally.refused)),
        ("temporary", f"{tally.temporary} TEMPORARY_ERROR"),
        ("not let in", f"{_listed(tally.refusals)}; {tally.given_up} gave up"),
        ("closed", f"{_listed(tally.closes)}; {tally.asked_to_reconnect} asked to reconnect"),
        ("broken rules", _listed(tally.findings)),
        ("generator", f"{tally.cpu_s:.1f} s of CPU, {1000 * tally.behind_s:.0f} ms behind its schedule at most"),
    ]
    lines = [f"{name:<13} {text}" for name, text in rows]
    return "\n".join([*lines, *_remarks(tally)])


def _remarks(tally: Tally) -> list[str]:
    remarks = []
    if tally.behind_s > _TOO_FAR_BEHIND_S:
        remarks.append("The generator could not keep to its schedule: use more --processes, or another machine.")
    if tally.opened and not tally.controlled:
        remarks.append("No control type was selected (is a cem worker running?), so only measurements were sent.")
    if "HTTP 401" in tally.refusals:
        remarks.append("HTTP 401: these tokens open nothing here; was the file prepared against this hub?")
    return remarks


def _latencies(histogram: Histogram) -> dict[str, float]:
    found = {name: histogram.percentile(share) for name, share in _SHARES.items()}
    return found | {"max": histogram.longest_s, "count": histogram.count}


def _shown(histogram: Histogram) -> str:
    if not histogram.count:
        return "nothing to measure"
    found = _latencies(histogram)
    return ", ".join(f"{name} {1000 * found[name]:.1f} ms" for name in (*_SHARES, "max"))


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} ({number})" for name, number in counts.most_common()) or "none"


def _rate(number: int, seconds: float) -> float:
    return number / seconds if seconds else 0.0
