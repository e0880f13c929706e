from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.envelope import (
    Box,
    BoxNotOpened,
    Key,
    derived_key,
    new_key_material,
    read_box,
    start_of_boxes,
)

KEY = Key("one", b"1" * 32)
PLACE = ("secret", "alder", "pairing.dialledend.token")


@given(st.binary(max_size=200), st.lists(st.text(), max_size=4))
def test_what_was_sealed_opens_in_its_place(content: bytes, place: list[str]) -> None:
    sealed = KEY.seal(content, *place)

    assert KEY.open(read_box(sealed), *place) == content
    assert sealed.isascii()
    assert sealed.startswith(start_of_boxes("one"))


@given(st.lists(st.text(max_size=5), max_size=3), st.lists(st.text(max_size=5), max_size=3))
def test_opens_in_no_other_place(here: list[str], there: list[str]) -> None:
    box = read_box(KEY.seal(b"geheim", *here))

    if here != there:
        with pytest.raises(BoxNotOpened):
            KEY.open(box, *there)


def test_twice_the_same_is_sealed_differently() -> None:
    assert KEY.seal(b"geheim", *PLACE) != KEY.seal(b"geheim", *PLACE)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_changed_byte_is_noticed(position: int, change: int) -> None:
    box = read_box(KEY.seal(b"geheim", *PLACE))
    damaged = bytearray(box.nonce + box.cipher_text)
    damaged[position % len(damaged)] ^= change

    with pytest.raises(BoxNotOpened):
        KEY.open(Box("one", bytes(damaged[:12]), bytes(damaged[12:])), *PLACE)


def test_another_key_of_the_same_name_does_not_open_it() -> None:
    box = read_box(KEY.seal(b"geheim", *PLACE))

    with pytest.raises(BoxNotOpened) as caught:
        Key("one", b"2" * 32).open(box, *PLACE)

    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "text", ["", "1", "1.a.b", "2.one.AAAA.AAAA", "1.one.A*A.AAAA", "1.one.é.AAAA", "1.one.AAAAA.AAAA", "1.a.b.c.d"]
)
def test_says_what_is_no_box_without_showing_it(text: str) -> None:
    with pytest.raises(BoxNotOpened, match="no sealed text") as caught:
        read_box(text)

    assert caught.value.__cause__ is None


@pytest.mark.parametrize(("nonce", "cipher_text"), [(b"", b"x" * 16), (b"x" * 12, b""), (b"x" * 200, b"x" * 16)])
def test_parts_of_the_wrong_length_do_not_open(nonce: bytes, cipher_text: bytes) -> None:
    with pytest.raises(BoxNotOpened):
        KEY.open(Box("one", nonce, cipher_text), *PLACE)


def test_a_derived_key_follows_from_its_secret_and_purpose_and_does_not_show_it() -> None:
    secret = bytes(range(32))
    first, second = derived_key(secret, "tests"), derived_key(secret, "tests")

    assert first.id == second.id
    assert len({first.id, derived_key(secret[::-1], "tests").id, derived_key(secret, "more tests").id}) == 3
    assert second.open(read_box(first.seal(b"data key")), *()) == b"data key"
    assert secret.hex()[:8] not in first.id
    assert repr(first) == f"Key({first.id})"


def test_key_material_is_new_each_time() -> None:
    assert len(new_key_material()) == 32
    assert new_key_material() != new_key_material()
