"""What every REST API of the hub shares: who may call it, how often, and how it says no."""
