import hashlib

from tenants import tokens


def test_makes_a_new_token_each_time_that_starts_with_what_it_is_for() -> None:
    first, second = tokens.new_token(tokens.NODE_PREFIX), tokens.new_token(tokens.NODE_PREFIX)

    assert first.startswith("fhn_")
    assert first != second
    # 32 bytes are 43 characters in base64 without padding.
    assert len(first) == len("fhn_") + 43


def test_stores_the_sha_256() -> None:
    assert tokens.digest("fhn_abc") == hashlib.sha256(b"fhn_abc").hexdigest()


def test_takes_text_that_is_no_valid_unicode() -> None:
    assert len(tokens.digest("fhn_\udc80")) == 64


def test_compares_digests() -> None:
    assert tokens.matches(tokens.digest("a"), tokens.digest("a"))
    assert not tokens.matches(tokens.digest("a"), tokens.digest("b"))
