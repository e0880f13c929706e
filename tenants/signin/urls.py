"""Account pages. Of allauth's only those that we want: no sign-up, no change of e-mail address."""

from allauth.account import views as account
from allauth.socialaccount import views as social
from django.urls import include, path, re_path

from tenants.signin import oidc, views

urlpatterns = [
    path("", views.account, name="signin_account"),
    path("second-factor/", views.set_up_second_factor, name="signin_second_factor"),
    path("invitations/", views.accept_invitation, name="signin_accept_invitation"),
    path("invitations/<str:token>/", views.open_invitation, name="signin_invitation"),
    # The names are those that allauth asks for.
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/reset/key/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    path("2fa/", include("allauth.mfa.urls")),
    path("connections/", social.connections, name="socialaccount_connections"),
    path("connections/cancelled/", social.login_cancelled, name="socialaccount_login_cancelled"),
    path("oidc/<uuid:provider_id>/login/", oidc.login, name="openid_connect_login"),
    path("oidc/<uuid:provider_id>/callback/", oidc.callback, name="openid_connect_callback"),
]
