"""Bearer tokens and secrets of programs: 32 random bytes, shown once, of which only the SHA-256 is stored.

A fast hash is right here: unlike a password, 256 random bits cannot be guessed, and a token is checked often.
"""

import hashlib
import hmac
import secrets

# The prefix tells a person, and a scanner of leaked secrets, what a token is for.
NODE_PREFIX = "fhn_"
SECRET_PREFIX = "fhs_"  # noqa: S105 - It is the same for all.
ACCESS_PREFIX = "fha_"
INVITATION_PREFIX = "fhi_"


def new_token(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Hexadecimal SHA-256. Text that is no valid Unicode, as a header may hold, has a digest too: nobody's."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def matches(token_hash: str, expected_hash: str) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(token_hash, expected_hash)
