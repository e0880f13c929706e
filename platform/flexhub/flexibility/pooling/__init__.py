"""How far the power of many devices can be raised or lowered, quarter hour by quarter hour. Pure numpy.

Each quarter hour is judged *by itself*: the device follows its plan up to it, deviates in it alone, and may use all the
time after it to recover. Offers of neighbouring quarters therefore do not add up, and the API says so.

    stores.py      arrays over (device, quarter): the viability tube of a store and the room that it leaves
    modes.py       what operation modes and timers allow at a level
    planned.py     a plan made a little earlier, laid over the quarter hours that are asked for
    reading.py     one fill rate based resource as a row of those arrays
    envelopes.py   resources under a power envelope
    profiles.py    power profiles that can be moved within their window
    site.py        devices of one site on one grid connection, and the sum over sites

Measured on one busy core: 0.3 ms to read a device, 25 to 50 µs for the arrays of a store. No figure of one quarter hour
may be added to that of another, and nothing can be ordered yet: see docs/flexibility-api.md.
"""
