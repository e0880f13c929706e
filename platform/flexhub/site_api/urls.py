"""Addresses of the REST API."""

from django.urls import path

from flexhub.site_api.forecast_views import ForecastsView
from flexhub.site_api.limit_views import LimitsView, LimitView
from flexhub.site_api.plan_views import InstructionsView, PlanView
from flexhub.site_api.views import ReadingsView, SitesView
from flexhub.site_api.what_if_views import WhatIfView

urlpatterns = [
    path("sites/", SitesView.as_view(), name="sites"),
    path("sites/<str:site_id>/limits", LimitsView.as_view(), name="site-limits"),
    path("sites/<str:site_id>/limits/<str:reference>", LimitView.as_view(), name="site-limit"),
    path("sites/<str:site_id>/plan", PlanView.as_view(), name="site-plan"),
    path("sites/<str:site_id>/instructions", InstructionsView.as_view(), name="site-instructions"),
    path("sites/<str:site_id>/forecasts", ForecastsView.as_view(), name="site-forecasts"),
    path("sites/<str:site_id>/what-if", WhatIfView.as_view(), name="site-what-if"),
    path("sites/<str:site_id>/readings", ReadingsView.as_view(), name="site-readings"),
]
