"""Addresses of the REST API."""

from django.urls import path

from flexhub.flexibility.views import FlexibilityView, PoolsView

urlpatterns = [
    path("pools/", PoolsView.as_view(), name="pools"),
    path("pools/<str:pool_id>/flexibility", FlexibilityView.as_view(), name="pool-flexibility"),
    # The same with a slash at its end, for clients that add one; documented once.
    path("pools/<str:pool_id>/flexibility/", FlexibilityView.as_view(schema=None)),
]
