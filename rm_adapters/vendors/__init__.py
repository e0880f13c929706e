"""One package per vendor; the folder is the registration. Vendors do not import each other."""
