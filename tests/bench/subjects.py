"""What each row means, by the places of docs/performance.md in which they stand."""

from __future__ import annotations

from collections.abc import Mapping

GATEWAY: Mapping[str, str] = {
    "measurement-cpu": (
        "server CPU for a PowerMeasurement received, judged, acknowledged and folded into Redis;"
        " against a bare Channels consumer that echoes the same text"
    ),
}
RELAY: Mapping[str, str] = {
    "relay": (
        "server CPU for a message and its ReceptionStatus between two sockets of one process, judged, through Redis;"
        " against a bare Channels consumer that forwards both in memory"
    ),
    "relay-pubsub": "the same against `channels_redis.pubsub` groups",
    "relay-apart": "the same between two processes, against `channels_redis.pubsub` groups",
    "relay-uvicorn": "`relay` on uvicorn",
    "relay-uvicorn-pubsub": "`relay-pubsub` on uvicorn",
}
CROWD: Mapping[str, str] = {
    "session-memory": "resident memory for each of 2,000 idle sessions under FRBC, with description and statuses",
    "session-memory-uvicorn": "the same on uvicorn",
    "idle-cpu": "CPU of the process while 5,000 sessions only answer pings",
    "idle-cpu-uvicorn": "the same on uvicorn",
}
SOAK: dict[str, str] = {
    "soak-rate": "messages that 5,000 sessions had acknowledged, for 10 minutes",
    "soak-ack-p99": "time to the acknowledgement, 99th percentile, from the device and back",
    "soak-lost": "messages never answered or refused, or acknowledged and not in the store",
    "soak-growth": "resident memory at the end of the 10 minutes, above that of the second one",
    "soak-cpu": "CPU of the process meanwhile",
    "soak-back": "SIGKILL to the gateway among 5,000 talking sessions, until all are under FRBC again",
    "soak-back-lost": "messages acknowledged before or after that, and not in the store",
}
LISTS: Mapping[str, str] = {
    "rls-list": "CPU of hub and PostgreSQL for the admin's list of devices, of which a provider sees 100 of 10,000",
    "rls-list-wall": "the same on the clock",
    "rls-query": "the list's two queries alone, on the clock, with the transaction and the scope around them",
}
CORE: Mapping[str, str] = {
    "s2-measurement": "PowerMeasurement with one value",
    "s2-actuator-status": "FRBC.ActuatorStatus with its transition",
    "s2-system-description": "FRBC.SystemDescription with 3 modes, 6 transitions, 2 timers",
    "s2-forecast": "PowerForecast with 96 elements and a probability band",
    "s2-session-memory": "memory of a session with that description and 20 open instructions, all texts its own",
}
STORES: Mapping[str, str] = {
    "convex-plan": "CPU for the exact plan of a battery over 96 steps, in a batch",
    "convex-plan-gap": "its largest difference to the optimum of HiGHS, in millionths of a euro",
    "frbc-plan": "CPU for a plan of a car or a heat pump with modes and timers, 96 steps, at other prices than before",
    "frbc-loss": "what it loses of the savings that the best plan of HiGHS achieves, against a device left to itself",
}

MODES: Mapping[str, str] = {
    "ombc-plan": "a day's plan of a device under OMBC, with nothing kept from an earlier one; mean over six devices",
    "ombc-loss": "what it costs above the best plan that HiGHS finds, as a share of that one's cost",
    "ddbc-plan": "a day's plan of a hybrid heat pump under DDBC, likewise",
    "ddbc-loss": "what it costs above the best plan that HiGHS finds",
}
PROFILES: Mapping[str, str] = {
    "ppbc-plan": "CPU for a day's plan of a dishwasher, washing machine or water heater, at other prices than before",
    "ppbc-gap": "its largest difference to the optimum of HiGHS, in millionths of a euro",
    "pebc-plan": "CPU for a day's plan of panels that are cut, or of a car that puts its charging off",
    "pebc-gap": "its largest difference to the optimum of HiGHS, in millionths of a euro",
}

BUILDINGS: Mapping[str, str] = {
    "building-plan": "CPU from the state of a site to its plan with all reasons",
    "building-loss": "what that plan loses of what could be saved, mean",
    "building-loss-max": "the same, the worst home",
    "building-search": "what is lost after 100 ms of CPU for each home, mean",
    "building-search-max": "the same, the worst home",
    "building-bound": "what HiGHS's bound leaves open that could be saved beyond the best plans known, mean",
    "building-broken": "plans of either kind that break the fuse, overfill a store or switch too soon",
}

HOSTED: Mapping[str, str] = {
    "hosted": (
        "CPU of a worker for a building of five devices and a meter, from its snapshots to the instructions on the bus,"
        " with two reactions and a plan that is stored"
    ),
    "hosted-shell": "the same, against the planner alone for the same buildings",
    "hosted-postgres": "CPU of PostgreSQL meanwhile",
    "hosted-redis": "CPU of Redis meanwhile",
    "hosted-instructions": "what each building was sent",
}
REACTIONS: Mapping[str, str] = {
    "reaction-measurement-p50": "from a measurement of a main meter to the battery's instruction on the socket, median",
    "reaction-measurement-p99": "the same, 99th percentile",
    "reaction-limit-p50": "from a limit that a grid operator sets to the battery's instruction on the socket, median",
    "reaction-limit-p99": "the same, 99th percentile",
}

LOOP: Mapping[str, str] = {
    "loop-perfect": "with perfect forecasts of load and sun, and prices as far as published; median of the homes",
    "loop-persistence": "with the day before as the forecast; median of the homes",
    "loop-below-rule": "by how much the home that fares worst saves less than plain self-consumption",
    "loop-rule": "what plain self-consumption leaves unsaved; median of the homes",
}

WEEKS: Mapping[str, str] = {
    "weeks-comfort": "cars that left without their target, and homes whose buffer or dishes missed theirs",
    "weeks-switches-heat-pump": "how often the busiest heat pump was switched in a day",
    "weeks-switches-ev-charger": "how often the busiest charger began or stopped in a day",
    "weeks-switches-battery": "how often the busiest battery turned between charging, discharging and rest in a day",
    "weeks-cost": "what the street paid, net of what the storages hold; against the same without a CEM",
    "weeks-cost-metered": "the same against batteries on meters of their own",
    "weeks-overload": "longest time above a main fuse that flexibility could have avoided",
}


SUBJECTS: Mapping[str, Mapping[str, str]] = {
    "gateway": GATEWAY,
    "relay": RELAY,
    "crowd": CROWD,
    "soak": SOAK | {f"{name}-uvicorn": f"`{name}` on uvicorn" for name in SOAK},
    "lists": LISTS,
    "core": CORE,
    "modes": MODES,
    "stores": STORES,
    "buildings": BUILDINGS,
    "profiles": PROFILES,
    "hosted": HOSTED,
    "reactions": REACTIONS,
    "loop": LOOP,
    "weeks": WEEKS,
}
