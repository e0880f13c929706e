"""The versions of S2 JSON and the choice among them."""

import pytest

from s2.versions import ALL_PROFILES, WireProfile, select_version


@pytest.mark.parametrize(
    ("text", "profile"),
    [
        ("0.0.2-beta", WireProfile.V0_0_2_BETA),
        ("v0.0.2-beta", WireProfile.V0_0_2_BETA),
        ("1.0.0", WireProfile.V1_0_0),
        ("v1.0.0", WireProfile.V1_0_0),
    ],
)
def test_reads_both_spellings(text: str, profile: WireProfile) -> None:
    assert WireProfile.of(text) is profile


@pytest.mark.parametrize("text", ["", "v", "vv1.0.0", "V1.0.0", "1.0", "1.0.1", "^1.0.0", " 1.0.0", "1.0.0\n"])
def test_knows_no_other_spelling(text: str) -> None:
    assert WireProfile.of(text) is None


def test_selects_the_highest_common_version_whatever_the_order() -> None:
    assert select_version(["0.0.2-beta", "1.0.0", "9.9.9"]) == ("1.0.0", WireProfile.V1_0_0)
    assert select_version(["1.0.0", "0.0.2-beta"]) == ("1.0.0", WireProfile.V1_0_0)


def test_repeats_their_spelling() -> None:
    assert select_version(["v1.0.0", "1.0.0"]) == ("v1.0.0", WireProfile.V1_0_0)


def test_selects_only_what_we_are_willing_to_speak() -> None:
    ours = [WireProfile.V0_0_2_BETA]

    assert select_version(["1.0.0", "v0.0.2-beta"], ours) == ("v0.0.2-beta", WireProfile.V0_0_2_BETA)


@pytest.mark.parametrize(("theirs", "ours"), [([], ALL_PROFILES), (["2.0.0"], ALL_PROFILES), (["1.0.0"], ())])
def test_selects_nothing_without_a_common_version(theirs: list[str], ours: tuple[WireProfile, ...]) -> None:
    assert select_version(theirs, ours) is None
