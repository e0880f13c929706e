"""What a site is told from outside: one folder a provider, and the framework that asks them."""
