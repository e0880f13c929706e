"""What a hosted CEM knows and decides, as plain values. Pure: no clock, no I/O, no framework."""

from cem_service.domain import fixed, frbc, pebc, ppbc

# Importing a subtype makes `Resource.from_messages` know it; see `resource.py`.
RESOURCE_SUBTYPES = (
    fixed.NotControllable,
    frbc.FRBCResource,
    pebc.PEBCResource,
    ppbc.PPBCResource,
)
