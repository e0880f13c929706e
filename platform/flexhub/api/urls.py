"""Addresses of the OAuth2 server."""

from django.urls import path

from flexhub.api import oauth_views

urlpatterns = [
    path("oauth/token", oauth_views.token, name="oauth-token"),
    path("oauth/revoke", oauth_views.revoke, name="oauth-revoke"),
    path("oauth/introspect", oauth_views.introspect, name="oauth-introspect"),
    path(".well-known/oauth-authorization-server", oauth_views.metadata, name="oauth-metadata"),
]
