"""The generator itself.

    targets     who signs in, and with which token
    mix         what is sent, in which order
    players     an RM and a CEM as `s2.session.Session` drives them; no I/O
    socket      one WebSocket over asyncio
    line        one target: dials, plays, counts, dials again
    crowd       all lines of a process: the connect rate, the message rate, the end
    spread      the same over several processes
    histogram, tally, report   what was measured

Each session is a real `s2.session.Session`. Prepared texts instead of it would take 3 µs a message and not 17 (measured
with Python 3.11), next to 55 µs for the socket: a fifth saved, with answers that nobody vouches for.
"""
