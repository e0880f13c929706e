"""One package per maker; the folder is the registration. Vendors do not import each other."""
