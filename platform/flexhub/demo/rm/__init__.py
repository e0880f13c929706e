"""Resource Managers of the simulated devices: they speak real S2 and know the physics only through their device.

A `Resource` is one device's side of the conversation: what it publishes and what it does with instructions. It is
driven by a `Conversation`, which holds the S2 session, which is driven by a `Client`, which holds the socket.
Times are seconds since the epoch (`at_s`), because the physics computes with them.
"""
