"""What can go wrong when services are started for one machine.

EmbeddedError
├── ServiceNotStarted   a server did not come up; the message ends with the last lines of its log
├── NoServiceAccount    root may not run PostgreSQL and no other account exists
└── RolesNotPrepared    the database given from outside cannot hold the two roles as it is
"""


class EmbeddedError(RuntimeError):
    """The message is meant for the person who started the command."""


class ServiceNotStarted(EmbeddedError):
    """A server did not come up."""


class NoServiceAccount(EmbeddedError):
    """PostgreSQL refuses to run as root and there is no account to run it as."""


class RolesNotPrepared(EmbeddedError):
    """The application role is missing or too powerful, and the given role may not change that."""
