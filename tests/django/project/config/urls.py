from django.urls import include, path
from rest_framework.authtoken.views import obtain_auth_token
from rest_framework.routers import SimpleRouter

from crm import views

router = SimpleRouter()
router.register("organizations", views.OrganizationViewSet, "organization")
router.register("roles", views.RoleViewSet, "role")
router.register("users", views.UserViewSet, "user")
router.register("clients", views.ClientViewSet, "client")
router.register("deals", views.DealViewSet, "deal")
router.register("payments", views.PaymentViewSet, "payment")

urlpatterns = [
    path("api/register/", views.register),
    path("api/login/", obtain_auth_token),
    path("api/", include(router.urls)),
]
