"""Feeds tell of the outside world, and belong to the provider of the sites that follow them."""

from tenants.privacy.holdings import not_personal

not_personal("feeds.Feed", "a question to a provider that many sites follow; places in it are a kilometre wide")
not_personal("feeds.StoredSeries", "what a provider says to everybody: prices, grid carbon, weather, limits")
