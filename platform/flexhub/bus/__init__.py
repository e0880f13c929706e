"""The bus: everything that gateway processes and workers tell each other, through Redis.

Theory of operation
-------------------
A link's S2 session lives in one gateway process, its *seat*. The bus answers six questions:

* *Where is the session of this link?* A process holds a lease (10 s, renewed) in the directory; a seat names the
  process, and is living only while that process's lease is. A lease that has ended never comes back: a process that
  was paused too long registers under a new incarnation and claims its seats again, so that anybody may clean up
  after a dead one at leisure.
* *Who may write about it?* Claiming a seat yields a fencing token that only grows, even over a Redis that was
  restarted empty (it is seeded with the server's clock). Every write about a link carries the token and is checked in
  the same script: an older one is *fenced*; with no seat at all it is *lost*, and the gateway claims and folds anew.
* *How does something reach it?* One inbox stream per **process**, not per socket (a Redis mailbox per socket cost
  60-100 KB each). A full inbox refuses, it never trims what nobody has read.
* *What is its latest S2 state?* The snapshot: a hash of fields holding the messages as they came, read for a whole
  site in one round trip.

* *What did it hear?* For a hosted RM its mail: a bounded stream for each end, written under the fencing token, and in
  Redis before the gateway acknowledges what a letter tells of. A full one refuses.

* *What do the tenants use?* Each process tells the others once a second how many sessions and messages a second each
  tenant has there, so that all of them can judge by the total (`use`).

Beside these: the last 500 messages of each link (the log), two bounded streams that workers drain at least once
(telemetry, ledger), coalesced wakes and locks per site or hosted RM, and what could not be read or stored, set aside
for a person to look at.

A gateway collects what one turn of its event loop produced in a `Batch` and writes it in one pipelined round trip.
When Redis cannot take it, `BusUnavailable` is raised and the caller keeps the batch: folds are idempotent, telemetry
and ledger rows are at-least-once, a log entry may at worst appear twice, and a letter is there once or not at all.

A link whose two peers are both remote has a seat for each, known by its *end id*. What one of them says goes to the
other with the batch, straight into the inbox of the process that holds the other seat.

Redis is one server, the master that Sentinels name, or a Cluster (`address`). A *line* exchanges commands with it
(`line`, `worker_line`, and their twins for a Cluster). Every key that one script touches shares a hash tag, and so one
slot; whoever needs an order across slots says so, because two slots may be of two servers.

`GatewayBus` and `WorkerBus` are the two ports; `gateway_side` and `worker_side` implement them over Redis, `memory`
in one process. The same tests run over both.
"""

from flexhub.bus.batch import Batch, BatchResult, Forward, Wake
from flexhub.bus.directory import SeatAddress, SeatInfo, SeatRecord, end_id
from flexhub.bus.envelope import Envelope, PublishResult
from flexhub.bus.errors import BusError, BusUnavailable
from flexhub.bus.mail import Letter, LetterKind, Mailbag, MailRefused
from flexhub.bus.meter import MeterReading
from flexhub.bus.poison import Poison, PoisonReport
from flexhub.bus.ports import GatewayBus, WorkerBus
from flexhub.bus.snapshot import Snapshot
from flexhub.bus.streams import Delivery, LedgerRow, LogEntry, TelemetryRow
from flexhub.bus.use import TenantUse, UseReport

__all__ = [
    "Batch",
    "BatchResult",
    "BusError",
    "BusUnavailable",
    "Delivery",
    "Envelope",
    "Forward",
    "GatewayBus",
    "LedgerRow",
    "Letter",
    "LetterKind",
    "LogEntry",
    "MailRefused",
    "Mailbag",
    "MeterReading",
    "Poison",
    "PoisonReport",
    "PublishResult",
    "SeatAddress",
    "SeatInfo",
    "SeatRecord",
    "Snapshot",
    "TelemetryRow",
    "TenantUse",
    "UseReport",
    "Wake",
    "WorkerBus",
    "end_id",
]
