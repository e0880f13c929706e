"""How the simulated devices behave, as plain values: a state and a moment give the state at that moment.

Each module holds one device as a frozen dataclass with three methods: `advance` lets time pass, `told` takes a setting
in, `readings` says what its meters show. What happens depends on the state and on the time alone, and not on how often
somebody looks: what varies by the weather is constant within each minute of the clock.

Powers are magnitudes in W, energies in Wh. Each device counts its energy, so that a balance can be drawn.
"""
