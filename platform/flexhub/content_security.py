"""What pages may load and run: the content security policy, for django-csp.

No inline script, no `eval`, nothing from another host, and no page inside another. There is no nonce, since no template
that we use has an inline script or style: unfold's colours are a file (`portal/colors.css`), its expressions are
understood without `eval` (`portal/expressions.js`), and the API's page loads its script from an address of its own.
"""

from __future__ import annotations

from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE


def content_security_policy(*, https: bool) -> dict[str, Any]:
    """The value of django-csp's setting. With `https` browsers also turn addresses with http:// into https://."""
    return {
        "DIRECTIVES": {
            "default-src": [NONE],
            "script-src": [SELF],
            "style-src": [SELF],
            # Attributes only: unfold's templates and Alpine set widths and hidden parts with them. Such a style has no
            # selectors and runs nothing.
            "style-src-attr": [UNSAFE_INLINE],
            # Icons within the style sheets of unfold and Swagger UI.
            "img-src": [SELF, "data:"],
            "font-src": [SELF],
            "connect-src": [SELF],
            "form-action": [SELF],
            "base-uri": [NONE],
            "frame-ancestors": [NONE],
            # Part of default-src already; named because older browsers ask for it.
            "object-src": [NONE],
            "upgrade-insecure-requests": https,
        }
    }
