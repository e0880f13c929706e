"""Forms of the account pages, where they differ from allauth's."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.account.fields import EmailField, PasswordField
from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from tenants.models import User
from tenants.scope import identity_scope
from tenants.signin import mail

# Longer than any e-mail address; what is typed here is looked up and hashed.
MAX_LOGIN_CHARACTERS = 254


class LoginForm(allauth_forms.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        attributes = {"autocomplete": "username", "autocapitalize": "none", "autofocus": True}
        self.fields["login"] = forms.CharField(
            label="User name or e-mail address",
            max_length=MAX_LOGIN_CHARACTERS,
            widget=forms.TextInput(attrs=attributes),
        )
        self.order_fields(["login", "password"])
        self.fields["password"].help_text = ""


class ResetPasswordForm(forms.Form):
    """Asks for the mail and does not look whether anybody has this address, so that the answer cannot tell."""

    email = EmailField(required=True, label="E-mail address")

    def save(self, _request: HttpRequest) -> str:
        """Raises kombu's OperationalError where the queue is away."""
        email: str = self.cleaned_data["email"]
        mail.request_password_reset(email)
        return email


class AcceptInvitationForm(forms.Form):
    """A new person's name and password."""

    username = forms.CharField(
        label="User name",
        max_length=150,
        validators=[User.username_validator],
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    password1 = PasswordField(
        label="Password", autocomplete="new-password", help_text=password_validators_help_text_html()
    )
    password2 = PasswordField(label="Password again", autocomplete="new-password")

    def clean_username(self) -> str:
        """Case does not tell two names apart when somebody signs in. Raises ValidationError."""
        username: str = self.cleaned_data["username"]
        with identity_scope("see whether a user name is free"):
            taken = User.objects.filter(username__iexact=username).exists()
        if taken:
            raise ValidationError("Somebody has this name already.")
        return username

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        password = cleaned.get("password1")
        if password is not None:
            self._judge(password, cleaned)
        return cleaned

    def _judge(self, password: str, cleaned: dict[str, Any]) -> None:
        try:
            get_adapter().clean_password(password, User(username=cleaned.get("username", "")))
        except ValidationError as error:
            self.add_error("password1", error)
        if cleaned.get("password2") not in (None, password):
            self.add_error("password2", "The two passwords differ.")
