"""The REST interface: everyone sees the rows of their own organization."""

from typing import Any

from django.db import transaction
from django.db.models import ProtectedError, QuerySet, RestrictedError
from django.utils import timezone
from rest_framework import mixins, views, viewsets
from rest_framework.authtoken.models import Token
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from crm.models import Client, Deal, Organization, Payment, Role, User
from crm.serializers import (
    ClientSerializer,
    DealSerializer,
    NoteSerializer,
    OrganizationSerializer,
    PaymentSerializer,
    RegistrationSerializer,
    RoleSerializer,
    UserSerializer,
)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer in Django's own words when other rows keep one from being deleted."""
    if isinstance(error, (ProtectedError, RestrictedError)):
        return Response({"detail": f"{type(error).__name__}: {error}"}, status=409)
    return views.exception_handler(error, context)


class AdministratorWrites(BasePermission):
    def has_permission(self, request: Request, view: viewsets.GenericViewSet) -> bool:
        return request.method in SAFE_METHODS or request.user.is_staff


class SuperuserCreates(BasePermission):
    def has_permission(self, request: Request, view: viewsets.GenericViewSet) -> bool:
        return view.action != "create" or request.user.is_superuser


@api_view(["POST"])
@permission_classes([AllowAny])
@transaction.atomic
def register(request: Request) -> Response:
    """Make an organization and its first user, the administrator."""
    serializer = RegistrationSerializer(data=request.data)
    serializer.is_valid(raise_exception=True)
    fields = serializer.validated_data
    user = User.objects.create_user(
        fields["email"],
        fields["password"],
        organization=Organization.objects.create(name=fields["organization"]),
        is_staff=True,
    )
    return Response({"token": Token.objects.create(user=user).key}, status=201)


class OwnRows(viewsets.GenericViewSet):
    """Rows that name their organization themselves."""

    def get_queryset(self) -> QuerySet:
        organization = self.request.user.organization
        return super().get_queryset().filter(organization=organization).order_by("pk")

    def perform_create(self, serializer: BaseSerializer) -> None:
        serializer.save(organization=self.request.user.organization)


class Noted(viewsets.GenericViewSet):
    """Rows that notes can be put on."""

    @action(detail=True, methods=["get", "post"])
    def notes(self, request: Request, pk: str) -> Response:
        target = self.get_object()
        if request.method == "GET":
            return Response(NoteSerializer(target.notes.order_by("pk"), many=True).data)
        serializer = NoteSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.save(target=target)
        return Response(serializer.data, status=201)


class OrganizationViewSet(
    mixins.ListModelMixin,
    mixins.CreateModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet,
):
    queryset = Organization.objects.order_by("pk")
    serializer_class = OrganizationSerializer
    permission_classes = [IsAuthenticated, AdministratorWrites, SuperuserCreates]

    def get_queryset(self) -> QuerySet:
        organizations = super().get_queryset()
        if self.request.user.is_superuser:
            return organizations
        return organizations.filter(users=self.request.user)


class RoleViewSet(OwnRows, viewsets.ModelViewSet):
    queryset = Role.objects
    serializer_class = RoleSerializer
    permission_classes = [IsAuthenticated, AdministratorWrites]


class UserViewSet(OwnRows, viewsets.ModelViewSet):
    queryset = User.objects
    serializer_class = UserSerializer
    permission_classes = [IsAuthenticated, AdministratorWrites]
    http_method_names = ["get", "post", "delete"]


class ClientViewSet(OwnRows, Noted, viewsets.ModelViewSet):
    queryset = Client.objects.filter(archived_at=None)
    serializer_class = ClientSerializer

    def perform_create(self, serializer: BaseSerializer) -> None:
        user = self.request.user
        serializer.save(organization=user.organization, created_by=user)

    def perform_destroy(self, client: Client) -> None:
        """Put the client away: its deals are the books, and those are kept."""
        client.archived_at = timezone.now()
        client.save()


class DealViewSet(
    OwnRows,
    Noted,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    viewsets.GenericViewSet,
):
    """Deals are made and read; nobody takes one back."""

    queryset = Deal.objects
    serializer_class = DealSerializer

    @transaction.atomic
    def perform_create(self, serializer: BaseSerializer) -> None:
        user = self.request.user
        deal = serializer.save(organization=user.organization, created_by=user)
        deal.activity.create(actor=user, action="created")


class PaymentViewSet(mixins.ListModelMixin, mixins.CreateModelMixin, viewsets.GenericViewSet):
    queryset = Payment.objects
    serializer_class = PaymentSerializer

    def get_queryset(self) -> QuerySet:
        organization = self.request.user.organization
        return super().get_queryset().filter(deal__organization=organization).order_by("pk")

    @transaction.atomic
    def perform_create(self, serializer: BaseSerializer) -> None:
        payment = serializer.save(recorded_by=self.request.user)
        deal = payment.deal
        deal.activity.create(actor=self.request.user, action="payment recorded")
        deal.commissions.create(seller=deal.created_by, amount=payment.amount / 20)
