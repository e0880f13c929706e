"""Django's settings, all from the environment. `docs/operations.md` lists the variables."""

from pathlib import Path

from django.templatetags.static import static
from django.urls import reverse_lazy

from flexhub.clock import Clock
from flexhub.content_security import content_security_policy
from flexhub.env import Env, between, host_names, one_of, secret_keys, web_address, web_addresses
from flexhub.feed_settings import feed_endpoints
from flexhub.observability.logs import Config as LogConfig
from flexhub.quota_settings import default_quotas
from flexhub.redis_urls import passwords_in, redis_urls
from tenants import signin
from tenants.client_address import TrustedProxies

env = Env()

DEBUG = env.boolean("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY", "not-a-secret-debug-only" if DEBUG else None, hint="Any long random text does.")
# Encrypt what we have to be able to read again, such as the tokens that we show to others; the newest first.
SECRETS_KEYS = env.parsed(
    "SECRETS_KEYS",
    secret_keys,
    "comma-separated keys as `openssl rand -base64 32` makes them",
    "not-a-secret-debug-only".ljust(43, "0") if DEBUG else None,
)
# Read again whenever a key is wanted that is not at hand, so that keys of a file change without a restart.
SECRETS_KEYS_FILE = env.text("SECRETS_KEYS_FILE", "")
ALLOWED_HOSTS = env.parsed("ALLOWED_HOSTS", host_names, "names such as hub.example", "localhost,127.0.0.1,[::1]")
# Whose X-Forwarded-For is believed. Nobody's by default: anyone can send one.
TRUSTED_PROXIES = env.parsed(
    "TRUSTED_PROXIES", TrustedProxies.parse, "a number of proxies, or networks such as 10.0.0.0/8,fd00::/8", "0"
)
CSRF_TRUSTED_ORIGINS = env.parsed("CSRF_TRUSTED_ORIGINS", web_addresses, "origins such as https://hub.example", "")

# -- What Flexhub itself needs ----------------------------------------------------------------------------------------
CLOCK = env.parsed("FLEXHUB_CLOCK", Clock.parse, "system, or a clock as str() writes it", "system")
# The second is read by flexhub/celery.py.
REDIS_URL, CELERY_BROKER_URL = redis_urls(env)
# Less than the lease of a gateway process: one that waits for Redis still renews it in time.
REDIS_TIMEOUT_S: float = env.parsed("REDIS_TIMEOUT_S", between(0.1, 8.0), "a number of seconds from 0.1 to 8", "5")
# For the threads of one process together, and for each server of a Cluster; a gateway's event loop has its own few.
REDIS_CONNECTIONS = env.integer("REDIS_CONNECTIONS", 20, least=1, most=1000)
# Where people reach the hub: links in mails lead there, and with https everything about cookies is for https alone.
PUBLIC_URL = env.parsed("PUBLIC_URL", web_address, "an address such as https://hub.example", "http://127.0.0.1:8000")
# A frame above this is answered by closing with 1009. 1 MiB is what s2-kit and our server allow.
S2_MAX_FRAME_BYTES = env.integer("S2_MAX_FRAME_BYTES", 1024 * 1024, least=1024, most=16 * 1024 * 1024)
# Whether a peer that offers permessage-deflate gets it.
S2_DEFLATE = env.boolean("S2_DEFLATE", True)
# The ASGI server behind `manage.py gateway`.
S2_SERVER = env.parsed("S2_SERVER", one_of("daphne", "uvicorn"), "daphne or uvicorn", "daphne")
S2_ACK_TIMEOUT_S = env.integer("S2_ACK_TIMEOUT_S", 10, least=1, most=3600)
# Servers elsewhere that the hub connects to: whether ws:// will do, and whether private addresses may be meant.
S2_DIAL_PLAIN = env.boolean("S2_DIAL_PLAIN", DEBUG)
S2_DIAL_PRIVATE = env.boolean("S2_DIAL_PRIVATE", False)
# How long a stopping gateway may take to ask its devices to reconnect; an orchestrator has to allow 20 s more.
S2_DRAIN_S = env.integer("S2_DRAIN_S", 10, least=0, most=3600)
# After how long without a look of the hosted CEM at its site a device is released; longer than any deploy of workers.
CEM_RELEASE_AFTER_S: float = env.parsed(
    "CEM_RELEASE_AFTER_S", between(1.0, 86_400.0), "a number of seconds from 1 to 86400", "300"
)
# How long an access token of the REST API is valid.
API_ACCESS_TOKEN_S = env.integer("API_ACCESS_TOKEN_S", 600, least=60, most=3600)
# Of one program, and requests for access tokens from one address or for one program; a tenant's quota is in QUOTAS.
API_CLIENT_CALLS_PER_MINUTE = env.integer("API_CLIENT_CALLS_PER_MINUTE", 300, least=1, most=1_000_000)
API_TOKEN_REQUESTS_PER_MINUTE = env.integer("API_TOKEN_REQUESTS_PER_MINUTE", 60, least=1, most=1_000_000)
# A what-if plans a day twice, in a worker that others need; of one tenant, people and programs together.
WHAT_IF_PER_MINUTE = env.integer("WHAT_IF_PER_MINUTE", 30, least=0, most=10_000)
POOL_MINIMUM_SITES = env.integer("POOL_MINIMUM_SITES", 5, least=1, most=1_000_000)
# How long a device's owner may let its manufacturer look at it, with one grant.
SUPPORT_GRANT_MAX_DAYS = env.integer("SUPPORT_GRANT_MAX_DAYS", 30, least=1, most=3650)
# The database refuses to drop younger days (`flexhub.telemetry.partitions`).
TELEMETRY_RETENTION_DAYS = env.integer("TELEMETRY_RETENTION_DAYS", 90, least=7, most=36_500)
# How long a planning task may take while it finds better plans of a site with several devices.
PLAN_TIME_MS = env.integer("PLAN_TIME_MS", 100, least=0, most=5000)
# Whether feeds may be asked without TLS, and at addresses that are not of the public Internet.
FEEDS_LOCAL = env.boolean("FEEDS_LOCAL", False)
# Where providers of feeds are, instead of where their manifests say: "entsoe.api=https://mirror.example/api,...".
FEED_ENDPOINTS = feed_endpoints(env)
# What a tenant may have and do, by its kind; a row of `tenants.models.Quota` says otherwise for one of them.
QUOTAS = default_quotas(env)

# -- Applications -----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    # Before unfold, whose page frame it extends.
    "flexhub.portal",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "flexhub.portal.admin_app.HubAdminConfig",
    # Before Django's own, of which it replaces a command about people.
    "tenants",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    # For the ages of keys on allauth's page of them.
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "tenants.signin",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "flexhub.devices",
    "flexhub.telemetry",
    "flexhub.pairing",
    "cem_service",
    "cem_service.feeds",
    "rm_adapters",
    "rm_adapters.vendors.simulator",
    "flexhub.flexibility",
    "flexhub.gateway",
    "flexhub.load",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # Above WhiteNoise, so that static files have these headers too.
    "flexhub.response_headers.response_headers",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tenants.origin_middleware.OriginMiddleware",
    "cem_service.reader.ReaderMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "flexhub.portal.outage.OutageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "tenants.signin.middleware.ProviderMiddleware",
    "tenants.middleware.TenantScopeMiddleware",
    "tenants.signin.middleware.ReauthenticationMiddleware",
    "tenants.signin.middleware.SecondFactorMiddleware",
]

ROOT_URLCONF = "flexhub.urls"
ASGI_APPLICATION = "flexhub.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Ours come before those of the packages that they replace.
        "DIRS": [Path(signin.__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# -- Database ---------------------------------------------------------------------------------------------------------
# `default` is the unprivileged role that the application runs as; `owner` owns the tables and runs migrations only:
# `manage.py migrate --database owner`. Row-level security holds because no request ever uses the second.
_hint = "For example postgresql://flexhub_app:…@localhost/flexhub; `make demo` makes one by itself."
# Nothing that the application asks takes long; a migration may. But while it waits for a table, all who come after it
# wait as well, so it soon gives up, and is run again.
_limits = {"options": "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"}
# After so many times a statement of `tenants.statements` is kept by the server.
_keeps: dict[str, object] = {"prepare_threshold": 2 if env.boolean("PREPARED_STATEMENTS", True) else None}
DATABASES = {
    "default": env.database("DATABASE_URL", hint=_hint, options=_limits | _keeps)
    | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True},
    "owner": env.database(
        "DATABASE_OWNER_URL", env.text("DATABASE_URL", hint=_hint), options={"options": "-c lock_timeout=5s"}
    )
    | {"TEST": {"MIRROR": "default"}},
}
# Attempts to sign in and codes that were used, in Redis; without Redis nobody signs in.
CACHES = {"default": {"BACKEND": "flexhub.bus.cache.BusCache", "KEY_PREFIX": "fh:cache"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- People -----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "tenants.User"
# Permissions are those of the membership that the person acts under.
AUTHENTICATION_BACKENDS = ["tenants.backends.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
SESSION_ENGINE = "tenants.sessions"
# Where people sign in and look after their own account: these requests see people and no tenant's rows.
IDENTITY_PATHS = ["/accounts/"]
# Below these other servers are asked. No transaction is to wait for them, so views open their scopes themselves.
OUTBOUND_PATHS = ["/accounts/oidc/"]
LOGIN_REDIRECT_URL = "admin:index"
LOGOUT_REDIRECT_URL = "account_login"
# A working day. Whoever closes the browser before is signed out as well.
SESSION_COOKIE_AGE = 12 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# How long the link in a mail lets somebody choose a new password.
PASSWORD_RESET_TIMEOUT = 3 * 3600
# Whether who sees all tenants has to show a second factor. Off for one machine only, such as a demo.
OPERATORS_SECOND_FACTOR = env.boolean("OPERATORS_SECOND_FACTOR", not DEBUG)
# Whether identity providers may be asked without TLS, and at addresses that are not of the public Internet.
SIGN_IN_PROVIDERS_LOCAL = env.boolean("SIGN_IN_PROVIDERS_LOCAL", False)

# allauth's settings; tenants/signin/adapters.py says the rest.
ACCOUNT_ADAPTER = "tenants.signin.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
# Whoever comes by invitation has shown the address with its link.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_FORMS = {
    "login": "tenants.signin.forms.LoginForm",
    "reset_password": "tenants.signin.forms.ResetPasswordForm",
}
# Failed sign-ins: of an address in a minute, and of an account in five minutes from wherever they come.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/300s/key"}
SOCIALACCOUNT_ADAPTER = "tenants.signin.adapters.ProviderAdapter"
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"provider_class": "tenants.signin.oidc.TenantProvider"}}
SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = True
SOCIALACCOUNT_STORE_TOKENS = False
MFA_ADAPTER = "tenants.signin.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
# People who were not invited but added by an operator have shown no address, and set up a second factor all the same.
MFA_ALLOW_UNVERIFIED_EMAIL = True

# -- Between browser and hub ------------------------------------------------------------------------------------------
# Plain HTTP is for one machine only. A public address is https, which a proxy in front of the gateways speaks: it sets
# this header itself and lets no client's through.
HTTPS = PUBLIC_URL.startswith("https://")
_forwarded = env.text("PROXY_SSL_HEADER", "X-Forwarded-Proto")
SECURE_PROXY_SSL_HEADER = (f"HTTP_{_forwarded.upper().replace('-', '_')}", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
# Whoever watches the process asks it directly.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
_one_year_s = 365 * 24 * 3600
SECURE_HSTS_SECONDS = HTTPS * env.integer("HSTS_SECONDS", _one_year_s, least=0, most=10**9)
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
# Browsers' lists are hard to get off again: that is for the owner of the domain to decide, not for a program under it.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
# "__Host-" makes browsers refuse such a cookie from any other host, from plain HTTP, and for a part of the site.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = ("__Host-session", "__Host-csrf") if HTTPS else ("session", "csrf")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
# Lax and not Strict: who follows a link from a mail is still signed in. No GET changes anything.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = content_security_policy(https=HTTPS)
# The largest form is that of a site's objectives with its tariff, some 20 KiB.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# No page takes a file.
DATA_UPLOAD_MAX_NUMBER_FILES = 0

# -- Mail -------------------------------------------------------------------------------------------------------------
# To the standard output of the worker instead of a server: for one machine only, since mails hold links that let in.
_to_console = env.boolean("EMAIL_TO_CONSOLE", DEBUG)
EMAIL_BACKEND = f"django.core.mail.backends.{'console' if _to_console else 'smtp'}.EmailBackend"
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.integer("EMAIL_PORT", 25, least=1, most=65_535)
EMAIL_HOST_USER = env.text("EMAIL_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_PASSWORD", "")
_encryption = env.parsed("EMAIL_ENCRYPTION", one_of("none", "starttls", "tls"), "none, starttls or tls", "none")
EMAIL_USE_TLS, EMAIL_USE_SSL = _encryption == "starttls", _encryption == "tls"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("EMAIL_FROM", "Flexhub <flexhub@localhost>")

# -- Time and language: everything is stored and computed in UTC; a site's own zone is data ---------------------------
LANGUAGE_CODE = "en"
# Of reasons (`cem_service.phrases`). The pages around them are English.
LANGUAGES = [("en", "English"), ("nl", "Nederlands")]
USE_TZ = True
TIME_ZONE = "UTC"

# Dates with seconds and "UTC", the same on every page.
FORMAT_MODULE_PATH = ["flexhub.portal.formats"]

# -- Web pages --------------------------------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "Flexhub",
    "SITE_HEADER": "Flexhub",
    "SITE_SUBHEADER": "S2 hub",
    "SITE_SYMBOL": "hub",
    # There is no other site to return to.
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("portal/favicon.svg")},
    ],
    # Leads to what the audit trail says of the object.
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "ENVIRONMENT": "flexhub.portal.navigation.environment",
    "DASHBOARD_CALLBACK": "flexhub.portal.dashboard.dashboard",
    "STYLES": [lambda _request: static("portal/colors.css"), lambda _request: static("portal/portal.css")],
    "SCRIPTS": [lambda _request: static("portal/expressions.js"), lambda _request: static("portal/components.js")],
    "ACCOUNT": {"navigation": [{"title": "Your account", "link": reverse_lazy("signin_account")}]},
    "SIDEBAR": {"navigation": "flexhub.portal.navigation.navigation"},
}

# -- Static files -----------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
# Served straight from the packages: a deployment has no collectstatic step to forget.
WHITENOISE_USE_FINDERS = True
# Only our own pages use them.
WHITENOISE_ALLOW_ALL_ORIGINS = False

# -- REST -------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["flexhub.api.authentication.AccessTokenAuthentication"],
    # Fails for a view that names no scopes: none is open to any token.
    "DEFAULT_PERMISSION_CLASSES": ["flexhub.api.permissions.HasScopes"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["flexhub.api.parsers.ShallowJSONParser"],
    "EXCEPTION_HANDLER": "flexhub.api.problems.answer_problem",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Flexhub API",
    "DESCRIPTION": "Pooled flexibility for aggregators; limits and main meters for those who own sites. "
    "Power in watts, positive = consumption; times in UTC.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    # The pages' scripts come from the package, never from another host.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# -- Watching ---------------------------------------------------------------------------------------------------------
# What has to answer before this process is ready, and how it is asked.
READINESS_CHECKS = {
    "postgresql": "flexhub.observability.health.ask_postgresql",
    "redis": "flexhub.bus.readiness.ask_redis",
}
LOGGING_CONFIG = "flexhub.observability.logs.configure"
_level = one_of("debug", "info", "warning", "error", "critical")
LOGGING: LogConfig = {
    "level": env.parsed("LOG_LEVEL", _level, "debug, info, warning, error or critical", "info").upper(),
    "json": env.boolean("LOG_JSON", not DEBUG),
    "secrets": [
        SECRET_KEY,
        *SECRETS_KEYS,
        *(str(database["PASSWORD"]) for database in DATABASES.values()),
        *passwords_in(REDIS_URL, CELERY_BROKER_URL),
    ],
}
# What Django's own reports of errors, for debugging, leave out.
DEFAULT_EXCEPTION_REPORTER = "flexhub.observability.error_reports.ErrorReporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "flexhub.observability.error_reports.ErrorReportFilter"
