"""Every Redis key of the bus. The part in braces is the hash tag: keys of one script share it.

fh:{directory}:processes       zset   process -> end of its lease, epoch seconds of Redis' clock
fh:{directory}:sweeping        zset   dead process -> when somebody began to clean up after it
fh:{directory}:retiring        set    processes that are about to end and take no share of anything any more
fh:{directory}:use             hash   process -> what the tenants use there; ends a minute after the last word
fh:{p:<process>}:inbox         stream envelopes for its sessions; ends a minute after the process stops renewing
fh:{p:<process>}:links         set    the links whose seats it has taken
fh:{<link>}:seat               hash   process, token and the SeatInfo
fh:{<link>}:fence              string the last token given out; kept a day, so that a late writer is seen as such
fh:{<link>}:snapshot           hash   field -> message text
fh:{<link>}:log                stream the conversation, about 500 entries; ends a week after the last
fh:{<link>}:mail               stream letters for the hosted RM of this end; ends a week after the last
fh:{<site>}:wake               string set while a task for the site, or for the hosted node of that id, is on its way
fh:{<site>}:looked             string changes with each look of the CEM at the site; ends a day after the last
fh:{<site>}:meter              hash   reading, and at, when it was made; ends a day after the last
fh:{<site>}:lock               string token of whoever works for the site or node
fh:{telemetry}:stream|rows     stream of lines, and how many rows are in it
fh:{ledger}:stream|rows        the same
fh:{poison}:stream|ever        stream of what was set aside, and how much ever was
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

PROCESSES = "fh:{directory}:processes"
SWEEPING = "fh:{directory}:sweeping"
RETIRING = "fh:{directory}:retiring"
USE = "fh:{directory}:use"


class LinkKeys(NamedTuple):
    """In the order in which the scripts of a link take them."""

    seat: str
    fence: str
    snapshot: str
    log: str


class MailKeys(NamedTuple):
    """In the order in which the script of mail takes them."""

    seat: str
    mail: str


class StreamKeys(NamedTuple):
    stream: str
    rows: str


TELEMETRY = StreamKeys("fh:{telemetry}:stream", "fh:{telemetry}:rows")
LEDGER = StreamKeys("fh:{ledger}:stream", "fh:{ledger}:rows")
POISON = ("fh:{poison}:stream", "fh:{poison}:ever")


# As many sessions as a process holds, with room; turning a UUID into text costs more than the rest of a small write.
@lru_cache(maxsize=20_000)
def link_keys(link_id: UUID) -> LinkKeys:
    head = f"fh:{{{link_id}}}:"
    return LinkKeys(f"{head}seat", f"{head}fence", f"{head}snapshot", f"{head}log")


def mail_keys(end_id: UUID) -> MailKeys:
    return MailKeys(link_keys(end_id).seat, f"fh:{{{end_id}}}:mail")


def inbox(process: str) -> str:
    return f"fh:{{p:{process}}}:inbox"


def links(process: str) -> str:
    return f"fh:{{p:{process}}}:links"


def wake(site_id: UUID) -> str:
    return f"fh:{{{site_id}}}:wake"


def looked(site_id: UUID) -> str:
    return f"fh:{{{site_id}}}:looked"


def meter(site_id: UUID) -> str:
    return f"fh:{{{site_id}}}:meter"


def lock(site_id: UUID) -> str:
    return f"fh:{{{site_id}}}:lock"
