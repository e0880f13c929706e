"""The simulated vendor's machines go with their account."""

from rm_adapters.vendors.simulator.models import SimulatedMachine
from tenants.privacy.holdings import hold_rows

hold_rows(SimulatedMachine, site="account__hosted_rms__node__site")
