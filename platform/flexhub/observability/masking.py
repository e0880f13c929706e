"""Takes secrets out of text and of values that are about to be written down. Pure.

Two nets. What this process itself holds, such as its database's password, is known and taken out wherever it turns up,
also encoded. What passes through, such as a device's token, is known by its surroundings: the name in front of it, the
scheme of a header, the prefix of our own tokens. Rather too much is masked than too little.

Patterns look ahead a bounded way only, since an attacker chooses some of the text that we log.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import quote, quote_plus

MASK = "***"

# Shorter ones would take words out of every line.
_KNOWN_CHARACTERS = 8
# Deeper than anything that we log; a guard against a value that contains itself.
_MAX_DEPTH = 6

_HEADER = r"authori[sz]ation|cookie"
# Where a word begins, also in a URL: `%3Fotp%3D1`.
_BEGINNING = r"(?:(?<![a-z\d])|(?<=%[\dA-F]{2}))"
_NAME = (
    rf"token|passw(?:or)?d|passphrase|secret|credential|assertion|code_verifier|csrf|{_BEGINNING}(?:pwd|t?otp)"
    r"|(?:api|private|encryption|signing|session)[_-]?keys?|session_?id"
)
_SECRET_KEY = re.compile(f"{_HEADER}|{_NAME}", re.IGNORECASE)
# What may stand between a name and its value: `=`, `: `, and `', b'` as in a printed list of headers.
_TO_VALUE = r"[\w-]{0,16}(?:\\*['\"])?\s{0,4}(?:=>?|:|(?<=['\"]),)\s{0,4}(?:b(?=['\"]))?"
# The same where a URL holds it.
_TO_ENCODED_VALUE = r"[\w-]{0,16}(?:%22|%27)?(?:%3D|%3A)(?:%20|\+){0,4}(?:%22|%27)?"
# In quotes up to the closing one, which has as many backslashes before it as the opening one.
_QUOTED = r"(?P<quote>\\*['\"]).*?(?:(?<!\\)(?P=quote)|\Z)"
_NUMBER = re.compile(r"\d+[,;)}\]]*")


def _after(names: str, value: str) -> re.Pattern[str]:
    """A name, and its value in quotes or as the pattern `value` describes it."""
    return re.compile(
        rf"(?P<before>(?P<name>{names}){_TO_VALUE})(?:{_QUOTED}|(?P<bare>{value}))", re.IGNORECASE | re.DOTALL
    )


_NAMED = (
    # Headers, to the end of the line: a value may have blanks.
    _after(_HEADER, r"(?:(?!\\[rn])[^\r\n])+"),
    _after(_NAME, r"[^\s&'\"]+"),
)
_SHAPED = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?s)(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----).*?(?:-----END|\Z)", rf"\1{MASK}"),
        # Our own tokens, of all kinds (`tenants.tokens`), and those of OpenID Connect.
        (r"(fh[a-z]{1,2}_)[\w-]{16,}", rf"\1{MASK}"),
        (r"(?:(?<![\w-])|(?<=%[\dA-F]{2}))eyJ[\w-]{8,}\.[\w-]{4,}[\w.-]*", MASK),
        # The password in a URL, and in one that is part of another.
        (r"(\w://[^\s:/@]{0,100}:)[^\s/?#<>]{0,300}@", rf"\1{MASK}@"),
        (r"(?i)(%3A(?:%2F|/){2}(?:(?!%3A|%40)[^\s&]){0,100}%3A)(?:(?!%40)[^\s&]){1,300}%40", rf"\1{MASK}%40"),
        # The schemes of the header Authorization, wherever they are. In prose a plain word follows.
        (r"(?i)\b(bearer(?:\s+|%20|\+))[^\s'\",;<>]{4,}", rf"\1{MASK}"),
        (r"(?i)\b(basic(?:\s+|%20|\+))(?=\S{0,200}(?-i:[A-Z\d=]))[\w.~+/=-]{8,}", rf"\1{MASK}"),
        (r"(?i)\b(token\s+)(?=[^\s'\"]{0,100}\d)[\w.~+/=-]{8,}", rf"\1{MASK}"),
        (rf"(?i)((?:{_HEADER}|{_NAME}){_TO_ENCODED_VALUE})(?:(?!%26|%22|%27)[^\s&'\"])+", rf"\1{MASK}"),
        # The key of a person's session has a shape; the word in front of it has many meanings here.
        (r"(?i)(session['\"]?\s{0,4}[=:]\s{0,4}['\"]?)[a-z0-9]{32}\b", rf"\1{MASK}"),
        # What is good for one sign-in: OAuth's codes, and links from e-mails.
        (r"(?i)([?&](?:code|state|key|sig|signature|ticket)=)[^\s&'\"]+", rf"\1{MASK}"),
        (r"((?:password/reset/key|confirm-email|invitations?|invite)/)[\w:.~-]{8,}", rf"\1{MASK}"),
    )
)


# One of these is in every text that a pattern finds something in. Most lines have none, and so cost next to nothing.
_TRACES = (
    *(
        "authori",
        "cookie",
        "token",
        "passw",
        "passphrase",
        "secret",
        "credential",
        "assertion",
        "code_verifier",
        "csrf",
    ),
    *(
        "pwd",
        "otp",
        "key",
        "session_id",
        "sessionid",
        "session=",
        "session:",
        "session'",
        'session"',
        "fh",
        "eyj",
        "://",
        "%3a",
        "bearer",
        "basic",
        "?",
        "&",
    ),
    *("confirm-email", "invit"),
)


@lru_cache(maxsize=1024)
def _is_secret_name(name: str) -> bool:
    return _SECRET_KEY.search(name) is not None


def _masked(found: re.Match[str]) -> str:
    """Whole numbers stay behind the word token: fencing tokens are no secrets, and help to find faults."""
    if found["bare"] and found["name"].lower() == "token" and _NUMBER.fullmatch(found["bare"]):
        return found[0]
    quotation = found["quote"] or ""
    return f"{found['before']}{quotation}{MASK}{quotation}"


class Masker:
    """`known` are secrets of this process."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        forms = {form for secret in known if len(secret) >= _KNOWN_CHARACTERS for form in _forms(secret)}
        # The longest first, so that nothing is left of one that contains another.
        alternatives = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
        self._known = re.compile(alternatives) if alternatives else None

    def text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(MASK, text)
        lowered = text.lower()
        if not any(trace in lowered for trace in _TRACES):
            return text
        for named in _NAMED:
            text = named.sub(_masked, text)
        for pattern, replacement in _SHAPED:
            text = pattern.sub(replacement, text)
        return text

    def value(self, name: str, value: object, depth: int = 0) -> object:
        """The value behind a name. Whole numbers stay, as in a fencing token."""
        if _is_secret_name(name) and not isinstance(value, int | None):
            return MASK
        return self._plain(value, depth)

    def _plain(self, value: object, depth: int) -> object:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "replace"))
        if depth >= _MAX_DEPTH:
            return "…"
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(str(key), item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return self._items(value, depth + 1)
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(str(value))

    def _items(self, values: Iterable[object], depth: int) -> list[object]:
        """Two that are a name and a value, as in a list of headers, are masked as such."""
        items = list(values)
        if len(items) == 2 and isinstance(items[0], str | bytes):
            name = items[0].decode("utf-8", "replace") if isinstance(items[0], bytes) else items[0]
            return [self.text(name), self.value(name, items[1], depth)]
        return [self._plain(item, depth) for item in items]


def _forms(secret: str) -> Iterator[str]:
    """How it may be written in a line."""
    yield secret
    yield quote(secret)
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    data = secret.encode("utf-8", "surrogatepass")
    yield base64.b64encode(data).decode("ascii").rstrip("=")
    yield base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
    yield data.hex()
