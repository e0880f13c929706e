"""The gateway's bounds in one place, each with its reason. All times are real seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server waits for a socket's peer, and for the application to answer an upgrade, in real seconds.

    S2 Connect wants a ping every 30 s. A peer that answers none is cut off 75 s after its last pong at the latest. One
    that lives but does not read costs us memory, and gets a minute. The check of a token and the claim of a seat give
    up after 5 s each; an upgrade that is not answered after 12 s has met a process without time to spare. A connection
    that asks for nothing, which costs its opener nothing either, is let go of before that.
    """

    ask_within_s: float = 10
    answer_within_s: float = 12
    ping_every_s: float = 30
    pong_within_s: float = 40
    read_within_s: float = 60

    @property
    def silence_s(self) -> float:
        return self.ping_every_s + self.pong_within_s

    @property
    def checked_every_s(self) -> float:
        """For a server that looks at all its sockets by turns."""
        return self.ping_every_s / 6

    @property
    def no_pong(self) -> str:
        return f"it answered no ping for {self.silence_s:g} s"

    @property
    def not_read(self) -> str:
        return f"it did not read what was sent to it for {self.read_within_s:g} s"


PATIENCE = Patience()
# In so many parts, so that none of them takes long.
CHECK_PARTS = 10

# Frames of one socket that may wait for its application before we stop reading from it.
UNREAD_FRAMES = 32

# permessage-deflate: S2 Connect asks for it, and thousands of idle sessions must not pay for it. A window of 1 KiB
# finds most of what repeats in a message. Below the last figure a message saves less than it costs.
DEFLATE_WINDOW_BITS = 10
DEFLATE_MEMORY_LEVEL = 3
DEFLATE_FROM_BYTES = 512

# Tokens are checked together, up to so many with one query. Two queries at a time, as each holds a database connection:
# while one of them waits for the database, the next is being gathered, for the last time at least.
AUTH_BATCH = 250
AUTH_THREADS = 2
AUTH_GATHER_S = 0.02
# A herd of reconnecting devices queues up to the bound, and nobody for longer than the time; beyond either it is told
# to come back (503).
AUTH_QUEUE = 2_500
AUTH_TIMEOUT_S = 5.0
# When to come back: a time between these, another one for each.
RETRY_AFTER_S = (5, 20)

# New objects before the garbage collector looks at them, and how often it looks at these before it does at older ones.
# Python's own 700 makes it look ten times for each session that opens.
GC_THRESHOLDS = (20_000, 20, 20)

# What waits for Redis in memory. Beyond it, or while Redis is away, sessions answer TEMPORARY_ERROR: nothing that we
# acknowledged is lost while the process lives.
BACKLOG_ROWS = 50_000
# Conversation entries may hold 8 KiB each and are only read by people, so they stop being kept much earlier.
BACKLOG_LOG_ROWS = 5_000
# The least time between two flushes. It makes many messages share a round trip and adds at most this to what has to go
# through Redis first: twice to a relayed message with its answer, once to what a hosted RM's session acknowledges.
FLUSH_PAUSE_S = 0.01
# An acknowledgement waits for Redis for so long at most. What it speaks of is there then, whatever becomes of the
# process; while Redis does not answer, it is safe in memory instead.
WRITTEN_WITHIN_S = 1.0
# What Redis took is kept for so long, should it come back empty before a worker has stored it; some 10 MB at most.
RECENT_ROWS_S = 30.0
RECENT_ROWS = 50_000
REDIS_RETRY_S = 0.25
REDIS_RETRY_MAX_S = 2.0

# The process lease lives 10 s in Redis (flexhub.bus); two renewals may fail before it ends.
LEASE_RENEWAL_S = 3.0
INBOX_BLOCK_MS = 2_000

# Waking a site means one message to the Celery broker, of some milliseconds; so many share the timeout.
WAKE_TIMEOUT_S = 5.0
WAKES_TOGETHER = 100

# A stopping process spreads its requests to reconnect over this time (setting S2_DRAIN_S), so that the others are not
# stormed. Few sessions are no storm: between two of them it waits no longer than the second figure.
DRAIN_S = 10
DRAIN_PAUSE_S = 0.02
# How long it gives its sessions to answer SessionRequest RECONNECT before it closes their sockets.
GOODBYE_S = 2.0

# Sessions that cannot go on since Redis forgot them are asked to reconnect, spread over this time at most; few of them
# need less, and wait no longer for each other than the second figure.
UNSEATED_S = 20.0
UNSEATED_PAUSE_S = 0.01

# How long a peer waits until what it said is safe. A write that fails takes 5 s, and another one may be before it.
SECURE_TIMEOUT_S = 15.0

# How long a task may take to end before it is told again.
CANCEL_AGAIN_S = 1.0

# A socket that does not begin to speak S2 is not worth its memory.
HANDSHAKE_TIMEOUT_S = 30.0
# After TEMPORARY_ERROR a message is sent again after these pauses; the standard gives none.
RETRY_DELAYS_S = (1.0, 2.0, 4.0)

# Links whose tenant is remembered after their session ended, for instructions that come too late.
DEPARTED = 10_000

# What a session's snapshot may hold as text, in memory and in Redis. A message up to the second size is always counted
# among the fields only, of which the bus allows 512; a description of many actuators has some 100 KiB.
SNAPSHOT_CHARACTERS = 4 * 1024 * 1024
SMALL_TEXT_CHARACTERS = 8 * 1024

# The resolution of session deadlines (acknowledgements, resends), which are seconds.
TICK_S = 0.1

# How often the processes tell each other what the tenants use: about so long they may together go beyond a quota. How
# often quotas are read anew, and how long somebody at the door waits for those of his tenant.
USE_TOLD_S = 1.0
QUOTAS_READ_S = 30.0
QUOTAS_TIMEOUT_S = 2.0
# When to come back where a quota is used up, which will be so for a while: a time between these, another for each.
QUOTA_RETRY_AFTER_S = (30, 120)

# Links that no peer opens. How often a process looks which there are, and whose: a change takes effect within it, and
# the links of a process that died are taken over that long after its lease has ended.
LOOK_S = 3.0
# A link that belongs to another living process is handed over once that has been so for a while, and few at a time.
HANDOVER_AFTER_S = 30.0
HANDOVERS_PER_LOOK = 20
# Connections under way at once, so that a restart does not storm the servers elsewhere, nor the database.
OPENING = 50
# A session of this length makes up for the failures before it.
LASTED_S = 60.0
# What the database is asked about them.
REGISTRY_TIMEOUT_S = 10.0

# What opened the living sessions is looked at again: what is new within the first time, everything else by turns within
# the second, so many with one query. 5,000 sessions make four queries a second for 125 rows each.
TOKENS_LOOK_S = 0.25
TOKENS_ROUND_S = 10.0
TOKENS_TOGETHER = 500
TOKENS_TIMEOUT_S = 10.0

# Connecting to a server elsewhere: the whole of it, and the answer to our close frame. Together with `Patience` the
# latter makes 75 s after which a dead one is given up.
DIAL_TIMEOUT_S = 10.0
DIAL_CLOSE_S = 5.0
# Names are resolved in threads that nothing can stop, so there are some to spare.
RESOLVER_THREADS = 16

# What may be under way in one direction of a house link's pipe: the 256 messages that a session may have unanswered,
# the answers to as many of the other's, and room.
PIPE_FRAMES = 1_024
PIPE_CHARACTERS = 16 * 1024 * 1024

# A device whose site no worker of the hosted CEM has looked at for so long is released (setting CEM_RELEASE_AFTER_S).
# After a worker's death its tasks come back within 90 s, a flag of a lost wake ends after 30 s, a new worker compiles
# for half a minute: none of them, nor a deploy, takes as long.
CEM_RELEASE_AFTER_S = 300.0
# It is counted in so many looks at what workers do, so that a process that stood still does
# not take its own pause for theirs. From the second figure on the process asks for the look that it misses.
CEM_ROUNDS = 20
CEM_ASK_FROM_ROUND = 10
# Devices that are released are told this far apart, and so many in one round: 5,000 take half of the time again.
RELEASE_PAUSE_S = 0.02
RELEASES_PER_ROUND = 500

# WebSocket close codes. 4000-4999 is the range for applications (RFC 6455, 7.4.2).
CLOSE_PROTOCOL_ERROR = 1002
CLOSE_NOT_UTF8 = 1007
CLOSE_TOO_BIG = 1009
CLOSE_SERVICE_RESTART = 1012
CLOSE_TRY_AGAIN_LATER = 1013
# Never sent: how a server tells its application that it cut the connection off itself, with its reason.
CLOSE_ABNORMAL = 1006
# The token that opened it has ended: like HTTP's 401 Unauthorized. Coming back with it is no use.
CLOSE_TOKEN_ENDED = 4401
# Another socket of the same device took over: like HTTP's 409 Conflict.
CLOSE_REPLACED = 4409
