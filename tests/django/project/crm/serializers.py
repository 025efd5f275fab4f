from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from crm.models import ActivityLog, Client, Deal, Note, Organization, Payment, Role, User


class OwnField(serializers.PrimaryKeyRelatedField):
    """A key that can only name rows of the caller's organization."""

    def get_queryset(self) -> QuerySet:
        organization = self.context["request"].user.organization
        return super().get_queryset().filter(organization=organization)


class RegistrationSerializer(serializers.Serializer):
    organization = serializers.CharField(max_length=200)
    email = serializers.EmailField()
    password = serializers.CharField()

    def validate_email(self, email: str) -> str:
        if User.objects.filter(email=email).exists():
            raise serializers.ValidationError("A user with this e-mail already exists.")
        return email


class OrganizationSerializer(serializers.ModelSerializer):
    class Meta:
        model = Organization
        fields = ["id", "name", "created_at"]


class RoleSerializer(serializers.ModelSerializer):
    class Meta:
        model = Role
        fields = ["id", "name"]


class UserSerializer(serializers.ModelSerializer):
    password = serializers.CharField(write_only=True)
    role = OwnField(queryset=Role.objects, allow_null=True, required=False)

    class Meta:
        model = User
        fields = ["id", "email", "password", "role", "is_staff"]
        read_only_fields = ["is_staff"]

    def create(self, fields: dict[str, Any]) -> User:
        return User.objects.create_user(**fields)


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "text", "created_at"]


class ClientSerializer(serializers.ModelSerializer):
    class Meta:
        model = Client
        fields = ["id", "name", "created_by"]
        read_only_fields = ["created_by"]


class ActivityLogSerializer(serializers.ModelSerializer):
    class Meta:
        model = ActivityLog
        fields = ["action", "actor", "created_at"]


class DealSerializer(serializers.ModelSerializer):
    name = serializers.CharField(source="__str__", read_only=True)
    client = OwnField(queryset=Client.objects)
    watchers = OwnField(queryset=User.objects, many=True, required=False)
    activity = ActivityLogSerializer(many=True, read_only=True)

    class Meta:
        model = Deal
        fields = ["id", "deal_id", "name", "client", "created_by", "amount", "watchers", "activity"]
        read_only_fields = ["deal_id", "created_by"]


class PaymentSerializer(serializers.ModelSerializer):
    deal = OwnField(queryset=Deal.objects)

    class Meta:
        model = Payment
        fields = ["id", "deal", "amount", "recorded_by"]
        read_only_fields = ["recorded_by"]
