from __future__ import annotations

import base64
import json
import re
import string
import time
import traceback
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexhub.observability.masking import MASK, Masker
from tenants import tokens

MASKER = Masker()

# What may stand in a header or a URL as it is; letters for anything; and none that would be found by chance.
SAFE = st.text(string.ascii_letters + string.digits + "-._~", min_size=12, max_size=40).filter(
    lambda text: not text.isdecimal()  # A fencing token may be shown.
)
PRINTABLE = (
    st.text(string.printable.strip() + " ", min_size=12, max_size=40).map(str.strip).filter(lambda t: len(t) > 11)
)

NAMES = (
    *("token", "access_token", "refresh_token", "password", "new_password1", "passwd", "client_secret", "SECRET_KEY"),
    *("SECRETS_KEYS", "api_key", "X-API-Key", "sessionid", "csrftoken", "credential", "sealed_token", "id_token"),
    *("code_verifier", "client_assertion", "private_key", "totp", "otp_code", "passphrase", "csrfmiddlewaretoken"),
)
IN_QUOTES: tuple[Callable[[str, str], str], ...] = (
    lambda name, secret: repr({name: secret, "other": 1}),
    lambda name, secret: repr({name: secret.encode(), "other": 1}),
    lambda name, secret: json.dumps({name: secret, "other": 1}),
    lambda name, secret: json.dumps({name: secret}, separators=(",", ":")),
    lambda name, secret: json.dumps({"inner": json.dumps({name: secret, "other": 1})}),
    lambda name, secret: json.dumps([json.dumps([json.dumps({name: secret})])]),
    lambda name, secret: repr([(name.encode(), secret.encode()), (b"host", b"x")]),
    lambda name, secret: repr([(name, secret), ("host", "x")]),
    lambda name, secret: repr([[name, secret]]),
    lambda name, secret: f"Login({name}={secret!r}, user='x')",
    lambda name, secret: repr(f"Login({name}={secret!r}, user='x')"),
)
BARE: tuple[Callable[[str, str], str], ...] = (
    lambda name, secret: f"{name}={secret} host=x",
    lambda name, secret: f"{name}: {secret}\nhost: x",
    lambda name, secret: f"GET /x?a=1&{name}={secret}&b=2 HTTP/1.1",
    lambda name, secret: quote(f"/x?{urlencode({name: secret, 'b': 2})}"),
    lambda name, secret: quote_plus(json.dumps({name: secret, "b": 2})),
    lambda name, secret: f"{name}={secret}; Path=/; HttpOnly",
)
HEADERS: tuple[Callable[[str], str], ...] = (
    lambda secret: f"> Authorization: Bearer {secret}",
    lambda secret: f"Authorization: Basic {base64.b64encode(secret.encode()).decode()}",
    lambda secret: f"authorization: {secret}",
    lambda secret: f'Authorization: Digest username="x", response="{secret}"',
    lambda secret: f"Proxy-Authorization: Bearer {secret}",
    lambda secret: f"Cookie: theme=dark; sessionid={secret}; other={secret}",
    lambda secret: f"Set-Cookie: sessionid={secret}; Path=/",
    lambda secret: repr([(b"host", b"x"), (b"authorization", f"Bearer {secret}".encode())]),
    lambda secret: repr({"Authorization": f"Bearer {secret}", "Host": "x"}),
    lambda secret: json.dumps({"headers": json.dumps({"authorization": f"Bearer {secret}"})}),
    lambda secret: repr(f"GET / HTTP/1.1\r\nAuthorization: Bearer {secret}\r\nHost: x\r\n\r\n".encode()),
    lambda secret: quote(f"Authorization: Bearer {secret}"),
    lambda secret: f"the server said: Bearer {secret} was refused",
)


def forms(secret: str) -> tuple[str, ...]:
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe=""), encoded


def assert_hidden(secret: str, masked: str) -> None:
    assert MASK in masked
    for form in forms(secret):
        assert form not in masked
        # Half of it would be too much as well.
        assert form[: len(form) // 2] not in masked
        assert form[len(form) // 2 :] not in masked


@pytest.mark.parametrize("write", IN_QUOTES)
@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(NAMES), secret=PRINTABLE)
def test_hides_any_text_in_quotes(write: Callable[[str, str], str], name: str, secret: str) -> None:
    assert_hidden(secret, MASKER.text(f"before {write(name, secret)} after"))


@pytest.mark.parametrize("write", BARE)
@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(NAMES), secret=SAFE)
def test_hides_what_stands_behind_a_name(write: Callable[[str, str], str], name: str, secret: str) -> None:
    assert_hidden(secret, MASKER.text(f"before {write(name, secret)}"))


@pytest.mark.parametrize("write", HEADERS)
@settings(max_examples=40, deadline=None)
@given(secret=SAFE)
def test_hides_headers_however_they_are_printed(write: Callable[[str], str], secret: str) -> None:
    assert_hidden(secret, MASKER.text(write(secret)))


@pytest.mark.parametrize("prefix", [value for name, value in vars(tokens).items() if name.endswith("_PREFIX")])
@pytest.mark.parametrize("before", ["", "'", "=", "%20", "x"])
def test_hides_our_own_tokens_wherever_they_are(prefix: str, before: str) -> None:
    token = tokens.new_token(prefix)

    masked = MASKER.text(f"about {before}{token} and more")

    assert masked == f"about {before}{prefix}{MASK} and more"


@settings(max_examples=40, deadline=None)
@given(secret=PRINTABLE, around=st.text(max_size=5))
def test_hides_what_it_knows_wherever_it_is(secret: str, around: str) -> None:
    known = Masker([secret, "short", ""])

    for form in (*forms(secret), quote_plus(secret), secret.encode().hex()):
        assert form not in known.text(f"{around}{form}{around}")
    assert known.text("a short text") == "a short text"


@settings(max_examples=40, deadline=None)
@given(
    scheme=st.sampled_from(["redis", "rediss", "postgresql", "https", "redis+sentinel", "amqp"]),
    user=st.sampled_from(["", "app"]),
    password=st.text(string.ascii_letters + string.digits + "!@$%^*()_+=", min_size=12, max_size=40),
)
def test_hides_passwords_in_addresses(scheme: str, user: str, password: str) -> None:
    address = f"{scheme}://{user}:{password}@host:1/name"

    for text in (address, repr(address), json.dumps({"url": address}), f"cannot reach {address}, sorry"):
        assert_hidden(password, MASKER.text(text))
    assert_hidden(password, MASKER.text(quote(address.replace(password, quote(password, safe="")), safe="")))
    assert "host:1/name" in MASKER.text(address)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bearer abcdefgh1234 was refused", "Bearer *** was refused"),
        ("GET /x?token=abcdefgh&site=1", "GET /x?token=***&site=1"),
        ("{'password': 'abcdefgh', 'a': 1}", "{'password': '***', 'a': 1}"),
        ('{"password": "ab\\"cd", "a": 1}', '{"password": "***", "a": 1}'),
        ("postgresql://app:abcdefgh@host/db", "postgresql://app:***@host/db"),
        ("GET /cb?code=abc&state=def&x=1", "GET /cb?code=***&state=***&x=1"),
        ("/accounts/password/reset/key/4-abcdef-0123/", "/accounts/password/reset/key/***/"),
        ("got eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2lnbmF0dXJl back", "got *** back"),
        (
            "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----*** PRIVATE KEY-----",
        ),
        ("password='abc", "password='***'"),
        ("{'__Host-session': 'abcdefghijklmnopqrstuvwxyz012345'}", "{'__Host-session': '***'}"),
        ("a=1; session=abcdefghijklmnopqrstuvwxyz012345; b=2", "a=1; session=***; b=2"),
        # And what is no secret.
        ("session=lasted", "session=lasted"),
        ("the token was stale", "the token was stale"),
        ("no basic understanding", "no basic understanding"),
        ("seat_token=17, token: 4711", "seat_token=17, token: 4711"),
        ('{"token": 7, "x": 1}', '{"token": 7, "x": 1}'),
        ("http://host:8000/path?mail=a@b", "http://host:8000/path?mail=a@b"),
        ("the author: Ann", "the author: Ann"),
    ],
)
def test_leaves_the_rest_of_the_line(text: str, shown: str) -> None:
    assert MASKER.text(text) == shown


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("token", "abc", "***"),
        ("Authorization", b"Bearer abc", "***"),
        ("db_password", "abc", "***"),
        ("headers", {"cookie": "abc", "accept": "*/*"}, {"cookie": "***", "accept": "*/*"}),
        ("headers", [(b"authorization", b"opaque")], [["authorization", "***"]]),
        ("headers", {"Bearer abcdefgh1234": 1}, {"Bearer ***": 1}),
        ("event", b"secret=abcdefgh", "secret=***"),
        ("error", ValueError("secret=abcdefgh"), "secret=***"),
        ("token", 42, 42),
        ("site", None, None),
        ("pair", ("site", "s1"), ["site", "s1"]),
        ("share", 0.5, 0.5),
    ],
)
def test_hides_values_by_their_names(name: str, value: object, shown: object) -> None:
    assert MASKER.value(name, value) == shown


def test_a_value_that_contains_itself_ends() -> None:
    value: dict[str, object] = {}
    value["self"] = value

    assert "…" in str(MASKER.value("value", value))


@settings(max_examples=40, deadline=None)
@given(SAFE)
def test_hides_secrets_in_chained_exceptions(secret: str) -> None:
    def fail() -> None:
        try:
            raise ValueError(f"token={secret}")
        except ValueError as error:
            error.add_note(f"it was sent as Authorization: Bearer {secret}")
            raise RuntimeError(f"redis://u:{secret}@h is away") from error

    try:
        fail()
    except RuntimeError:
        text = traceback.format_exc()

    assert secret in text
    assert_hidden(secret, MASKER.text(text))


@pytest.mark.parametrize(
    "part",
    [
        *(
            "tokentoken",
            "a",
            "://",
            "x://a:",
            "'token':'",
            "token='",
            "token=\\'",
            "%3A%2F%2F",
            "%3A//",
            "eyJ",
            "%20eyJ",
        ),
        *(
            "Bearer ",
            "token ",
            "basic ",
            "\\",
            "authorization: ",
            "-----BEGIN PRIVATE KEY-----",
            "token%3D",
            "fha_",
            "?code=",
        ),
    ],
)
def test_a_long_text_takes_a_moment(part: str) -> None:
    """A tenth of a second of this process's own time. Where the time grew with the square, it would be ten seconds."""
    text = part * (100_000 // len(part))
    begun = time.process_time()

    MASKER.text(text)

    assert time.process_time() - begun < 5


def test_a_mask_is_not_a_secret_itself() -> None:
    once = MASKER.text("token=abcdefgh and Bearer abcdefgh1234")

    assert re.sub(r"\*+", "", MASKER.text(once)) == re.sub(r"\*+", "", once)
