"""The versions of S2 JSON that we speak, and how one is chosen.

Between 0.0.2-beta and 1.0.0 the standard changed one thing: DDBC.SystemDescription.present_demand_rate went out and
DDBC.PresentDemandStatus came in. One set of classes therefore serves both, and a `WireProfile` says which of the two is
on the wire (rule R-16). A bare WebSocket handshake spells the versions without, S2 Connect with a leading "v"; they are
compared after one leading "v" is taken off, and never as ranges.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum


class WireProfile(StrEnum):
    """A version of S2 JSON, oldest first: the order of the members is the order of preference, the last one best."""

    V0_0_2_BETA = "0.0.2-beta"
    V1_0_0 = "1.0.0"

    @classmethod
    def of(cls, text: str) -> WireProfile | None:
        """Return the profile that a peer's spelling names, or None if we do not speak it."""
        return _BY_SPELLING.get(text)


ALL_PROFILES: tuple[WireProfile, ...] = tuple(WireProfile)

# A peer's list may fill a whole frame, so looking up one of its texts has to cost next to nothing.
_BY_SPELLING = {prefix + profile.value: profile for profile in WireProfile for prefix in ("", "v")}


def select_version(
    theirs: Sequence[str], ours: Collection[WireProfile] = ALL_PROFILES
) -> tuple[str, WireProfile] | None:
    """Return the highest version that both sides speak, or None.

    The first item repeats the peer's own spelling, because HandshakeResponse must name a version of the peer's list
    (R-15); where the list holds two spellings of one version, the first one counts.
    """
    for profile in reversed(WireProfile):
        spelling = next((text for text in theirs if WireProfile.of(text) is profile), None)
        if spelling is not None and profile in ours:
            return spelling, profile
    return None
