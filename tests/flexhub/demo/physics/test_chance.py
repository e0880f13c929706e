"""Randomness as a function."""

from flexhub.demo.physics.chance import chance, dice


def test_the_same_words_give_the_same_number() -> None:
    assert chance(1, "cloud", 5) == chance(1, "cloud", 5)
    assert chance(1, "cloud", 5) != chance(1, "cloud", 6)
    assert dice(1, "x").random() == dice(1, "x").random()
