"""How many sockets this process may hold."""

from __future__ import annotations

import resource

# Beside the sockets: the interpreter's own files, pipes, and some air.
_OTHERS = 64


class TooFewFiles(RuntimeError):
    """The machine does not let a process open as many; the text says what to do."""


def allow_sockets(number: int) -> None:
    """Raise this process's limit as far as it may; children inherit it. Raises TooFewFiles."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = number + _OTHERS
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise TooFewFiles(
            f"{number} sessions in a process need {needed} open files, and it may have {hard}. Spread them over more"
            " --processes, or raise the hard limit: `ulimit -Hn` as root, `LimitNOFILE=` of a systemd unit,"
            " `--ulimit nofile=` of a container."
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else needed, hard))
