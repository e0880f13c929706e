"""PostgreSQL and Redis from wheels, for one machine: `make demo` and `make test` need no system packages."""

from flexhub.embedded.errors import EmbeddedError, NoServiceAccount, RolesNotPrepared, ServiceNotStarted
from flexhub.embedded.services import Services, find_servers, start, stop

__all__ = [
    "EmbeddedError",
    "NoServiceAccount",
    "RolesNotPrepared",
    "ServiceNotStarted",
    "Services",
    "find_servers",
    "start",
    "stop",
]
