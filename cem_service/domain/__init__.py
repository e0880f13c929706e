"""What a hosted CEM knows and decides, as plain values. Pure: no clock, no I/O, no framework."""

from cem_service.domain import ddbc, fixed, frbc, ombc, pebc, ppbc

# Importing a subtype makes `Resource.from_messages` know it; see `resource.py`.
RESOURCE_SUBTYPES = (
    fixed.NotControllable,
    ddbc.DDBCResource,
    frbc.FRBCResource,
    ombc.OMBCResource,
    pebc.PEBCResource,
    ppbc.PPBCResource,
)
