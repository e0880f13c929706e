"""A vendor of simulated devices, one for each control type: the reference for writing adapters."""
