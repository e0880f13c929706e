"""The REST API of those who own sites: limits of the grid, and readings of main meters."""
