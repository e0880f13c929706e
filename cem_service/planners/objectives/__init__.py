"""Each objective as terms of the site's cost; one file for each kind of objective of the standard."""
