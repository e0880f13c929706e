"""The physical side of a simulated home: deterministic, given its seed and the time.

Powers are in W at the grid side, positive = consumption. Time is in seconds since the epoch. Every device offers

    power_w(cell, dt_s)   what it draws on average over the next `dt_s` seconds (it stops at full and at empty)
    step(cell, dt_s)      lets that time pass and returns the same power
    begin(cell)           sees a new cell of the time grid begin (arrivals, thermostats, programs)
    minimum_w(cell, dt_s) the lowest power that an energy manager could have ordered at that time

and state in dataclass fields marked with `state()`, so that a home can be put back where it was.
"""
