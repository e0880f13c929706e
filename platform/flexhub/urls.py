"""Every address of the web side. The devices' WebSockets are routed in asgi.py."""

from django.contrib import admin
from django.urls import include, path
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from flexhub.observability import health

handler404 = "flexhub.api.problems.answer_not_found"
handler500 = "flexhub.api.problems.answer_failure"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("accounts/", include("tenants.signin.urls")),
    path("admin/", admin.site.urls),
    path("", include("flexhub.api.urls")),
    path("api/v1/", include("flexhub.flexibility.urls")),
    path("api/v1/", include("flexhub.site_api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(permission_classes=[], authentication_classes=[]), name="schema"),
    path(
        "api/docs/",
        # What is not to be read is answered here: the framework's own answer would need a page to put it in.
        require_safe(
            # Its script has an address of its own, as the content security policy asks for.
            SpectacularSwaggerSplitView.as_view(
                url_name="schema",
                template_name="portal/api_docs.html",
                permission_classes=[],
                authentication_classes=[],
            )
        ),
        name="api-docs",
    ),
]
