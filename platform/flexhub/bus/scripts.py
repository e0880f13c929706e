"""The Lua scripts: whatever must look before it writes, and must not be interrupted between the two.

Each script touches keys of one hash tag only. Redis forgets scripts when it restarts, so whoever calls by digest
loads the source and repeats the call on NOSCRIPT (every line does).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from flexhub.bus.meter import METER_TTL_S
from flexhub.bus.ports import (
    INBOX_LIMIT,
    LOG_BYTES,
    LOG_LENGTH,
    MAIL_BYTES,
    MAIL_LENGTH,
    POISON_LIMIT,
    SNAPSHOT_FIELDS_LIMIT,
)

Argument = str | bytes | int | float
Command = tuple[Argument, ...]

FENCE_TTL_S = 24 * 3600
LOG_TTL_S = 7 * 24 * 3600
MAIL_TTL_S = 7 * 24 * 3600
USE_TTL_S = 60
# Whoever began to clean up after a dead process has this long before another may begin again.
SWEEP_RETRY_S = 60


class Script:
    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        BY_SHA[self.sha] = source

    def call(self, keys: Iterable[str], *arguments: Argument) -> Command:
        keys = tuple(keys)
        return ("EVALSHA", self.sha, len(keys), *keys, *arguments)


BY_SHA: dict[str, str] = {}

# -- A link: KEYS seat, fence, snapshot, log ---------------------------------------------------------------------------

WRITTEN, FENCED, LOST, OVERFULL = 1, 0, -1, 2

# ARGV token, numbers of prefixes, deletions and (name, text) pairs, then these, then log entries of five parts each.
# The log comes first because it is kept whatever the fence says. HSET takes all pairs at once while they surely fit.
# A log of small entries is small enough by its length, so only a large one has it measured; then whole nodes of the
# stream go, the oldest first.
FOLD = Script(f"""
local token, prefixes, deletes, pairs_ = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local deletes_at = 5 + prefixes
local pairs_at = deletes_at + deletes
local log_at = pairs_at + 2 * pairs_
local is_large = false
for i = log_at, #ARGV, 5 do
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', {LOG_LENGTH}, '*', 'direction', ARGV[i], 'at', ARGV[i + 1],
    'text', ARGV[i + 2], 'status', ARGV[i + 3], 'findings', ARGV[i + 4])
  is_large = is_large or #ARGV[i + 2] + #ARGV[i + 4] > {LOG_BYTES // LOG_LENGTH}
end
if is_large then
  local length = redis.call('XLEN', KEYS[4])
  while length > 1 and redis.call('MEMORY', 'USAGE', KEYS[4], 'SAMPLES', 0) > {LOG_BYTES} do
    length = math.floor(length * 15 / 16)
    redis.call('XTRIM', KEYS[4], 'MAXLEN', '~', length)
  end
end
if log_at <= #ARGV then redis.call('EXPIRE', KEYS[4], {LOG_TTL_S}) end
local owner = redis.call('HGET', KEYS[1], 'token')
if not owner then
  local fence = redis.call('GET', KEYS[2])
  if fence and tonumber(fence) > tonumber(token) then return {FENCED} end
  return {LOST}
end
if owner ~= token then return {FENCED} end
if prefixes > 0 then
  for _, name in ipairs(redis.call('HKEYS', KEYS[3])) do
    for i = 5, deletes_at - 1 do
      if string.sub(name, 1, #ARGV[i]) == ARGV[i] then redis.call('HDEL', KEYS[3], name) end
    end
  end
end
for i = deletes_at, pairs_at - 1 do redis.call('HDEL', KEYS[3], ARGV[i]) end
if pairs_ == 0 then return {WRITTEN} end
local size = redis.call('HLEN', KEYS[3])
if size + pairs_ <= {SNAPSHOT_FIELDS_LIMIT} then
  redis.call('HSET', KEYS[3], unpack(ARGV, pairs_at, log_at - 1))
  return {WRITTEN}
end
local result = {WRITTEN}
for i = pairs_at, log_at - 1, 2 do
  if redis.call('HEXISTS', KEYS[3], ARGV[i]) == 1 then
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
  elseif size < {SNAPSHOT_FIELDS_LIMIT} then
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
    size = size + 1
  else
    result = {OVERFULL}
  end
end
return result
""")

# ARGV process, then the seat's fields. The clock seeds the token so that it grows even over an empty restart.
CLAIM = Script(f"""
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local token = string.format('%.0f', math.max(last + 1, now))
local before = redis.call('HMGET', KEYS[1], 'process', 'token')
redis.call('DEL', KEYS[1], KEYS[3])
redis.call('SET', KEYS[2], token, 'EX', {FENCE_TTL_S})
redis.call('HSET', KEYS[1], 'process', ARGV[1], 'token', token, unpack(ARGV, 2))
return {{token, before[1] or '', before[2] or ''}}
""")

RELEASE = Script("""
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1], KEYS[3])
return 1
""")

EVICT = Script("""
if redis.call('HGET', KEYS[1], 'process') == ARGV[1] then redis.call('DEL', KEYS[1], KEYS[3]) end
""")

# -- Mail: KEYS seat, mail ---------------------------------------------------------------------------------------------

POSTED, POSTED_LAST, MAIL_FULL, NOT_SEATED = 1, 2, 0, -1

# ARGV token, then letters of four parts: number, kind, at, payload. All of them go in or none; without any, it only
# asks for room. The seat remembers the last number that went in, so that a batch which is written twice posts nothing
# twice. `upto` counts the bytes of all letters ever, and so the first and the last one tell how many lie there.
POST = Script(f"""
local seat = redis.call('HMGET', KEYS[1], 'token', 'posted')
if seat[1] ~= ARGV[1] then return {NOT_SEATED} end
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local before, upto = 0, 0
if last then before, upto = tonumber(first[2][10]) - #first[2][8], tonumber(last[2][10]) end
local function is_full()
  return redis.call('XLEN', KEYS[2]) >= {MAIL_LENGTH} or upto - before >= {MAIL_BYTES}
end
local fresh_at, posted = 2, tonumber(seat[2] or '0')
while fresh_at <= #ARGV and tonumber(ARGV[fresh_at]) <= posted do fresh_at = fresh_at + 4 end
if is_full() then
  if fresh_at <= #ARGV or #ARGV == 1 then return {MAIL_FULL} end
  return {POSTED_LAST}
end
for i = fresh_at, #ARGV, 4 do
  upto = upto + #ARGV[i + 3]
  redis.call('XADD', KEYS[2], '*', 'token', ARGV[1], 'kind', ARGV[i + 1], 'at', ARGV[i + 2],
    'payload', ARGV[i + 3], 'upto', string.format('%.0f', upto))
  redis.call('HSET', KEYS[1], 'posted', ARGV[i])
end
redis.call('EXPIRE', KEYS[2], {MAIL_TTL_S})
if is_full() then return {POSTED_LAST} end
return {POSTED}
""")

# -- The directory: KEYS processes, sweeping ---------------------------------------------------------------------------

_NOW = "local time = redis.call('TIME')\nlocal now = tonumber(time[1]) + tonumber(time[2]) / 1000000\n"

REGISTER = Script(f"{_NOW}redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])")

# A lease that has ended is never extended: others may already be cleaning up after it.
RENEW = Script(f"""{_NOW}
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not ends or tonumber(ends) <= now then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
return 1
""")

# ARGV process.
LIVES = Script(f"""{_NOW}
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ends and tonumber(ends) > now then return 1 end
return 0
""")

# Which processes live, by the clock that their leases were written with.
LIVING = Script(f"""{_NOW}
return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.17g', now), '+inf')
""")

# Hands a dead process to one sweeper; to another one if that did not finish in time.
TAKE_DEAD = Script(f"""{_NOW}
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 1)[1]
if not dead then dead = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - {SWEEP_RETRY_S}, 'LIMIT', 0, 1)[1] end
if not dead then return false end
redis.call('ZREM', KEYS[1], dead)
redis.call('ZADD', KEYS[2], now, dead)
return dead
""")

# KEYS processes, use. ARGV process and what it tells, both empty for who only asks. Returns what the other living
# processes told. Whoever's lease has ended is not heard: it has been cleaned up after, or is about to be.
USE = Script(f"""{_NOW}
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ends and tonumber(ends) > now then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
  redis.call('EXPIRE', KEYS[2], {USE_TTL_S})
end
local told = {{}}
for _, process in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.17g', now), '+inf')) do
  if process ~= ARGV[1] then told[#told + 1] = redis.call('HGET', KEYS[2], process) or '' end
end
return told
""")

# -- An inbox: KEYS inbox ----------------------------------------------------------------------------------------------

NO_INBOX = -1

OPEN_INBOX = Script("""
redis.call('XADD', KEYS[1], '*', 'open', '1')
redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
""")

# ARGV envelopes. Returns how many of them there was room for, the first ones, or that there is no inbox: one that does
# not exist belongs to nobody, so it is not made here. A waiting reader wakes up once, when all of them are there.
OFFER = Script(f"""
if redis.call('EXISTS', KEYS[1]) == 0 then return {NO_INBOX} end
local taken = math.max(0, math.min(#ARGV, {INBOX_LIMIT} - redis.call('XLEN', KEYS[1])))
for i = 1, taken do redis.call('XADD', KEYS[1], '*', 'envelope', ARGV[i]) end
return taken
""")

# -- A stream of rows: KEYS stream, rows -------------------------------------------------------------------------------

# ARGV limit, number of rows, the rows as lines. The bound is in rows, because entries hold between one and many.
APPEND = Script("""
local held = tonumber(redis.call('GET', KEYS[2]) or '0')
if held + tonumber(ARGV[2]) > tonumber(ARGV[1]) then return 0 end
redis.call('XADD', KEYS[1], '*', 'rows', ARGV[3])
redis.call('INCRBY', KEYS[2], ARGV[2])
return 1
""")

# ARGV group, then entry ids each with its number of rows. An empty stream sets the count right, whatever came before.
CONFIRM = Script("""
local freed = 0
for i = 2, #ARGV, 2 do
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
  if redis.call('XDEL', KEYS[1], ARGV[i]) == 1 then freed = freed + tonumber(ARGV[i + 1]) end
end
if redis.call('XLEN', KEYS[1]) == 0 then redis.call('DEL', KEYS[2]) else redis.call('DECRBY', KEYS[2], freed) end
""")

# -- What is set aside: KEYS stream, ever ------------------------------------------------------------------------------

# ARGV source, reason, text. The oldest give way: a flood of the same says no more than its last thousand.
SET_ASIDE = Script(f"""
redis.call('XADD', KEYS[1], 'MAXLEN', {POISON_LIMIT}, '*', 'source', ARGV[1], 'reason', ARGV[2], 'text', ARGV[3])
redis.call('INCR', KEYS[2])
""")

# -- A site's main meter: KEYS meter -----------------------------------------------------------------------------------

# ARGV moment in milliseconds, reading. One that was made before the one there is late, and is passed over.
READ_METER = Script(f"""
local at = redis.call('HGET', KEYS[1], 'at')
if at and tonumber(at) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'at', ARGV[1], 'reading', ARGV[2])
redis.call('EXPIRE', KEYS[1], {METER_TTL_S})
return 1
""")

# -- A lock: KEYS lock -------------------------------------------------------------------------------------------------

UNLOCK = Script("if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end")
