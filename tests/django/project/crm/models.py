"""A small CRM of several organizations in one database.

What matters here is how rows hang together. Django keeps all of `on_delete` in Python: in the
database every foreign key is NO ACTION, and a generic relation is no key at all.
"""

from typing import Any

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction


class Organization(models.Model):
    """Two customers may well have the same name, so it is not unique."""

    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Role(models.Model):
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="roles")
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """Someone who works for an organization, known by e-mail; `is_staff` is its administrator.

    Superusers run the CRM itself and have no organization. Nor has anybody whose organization was deleted: their
    e-mail address stays taken.
    """

    username = None
    email = models.EmailField(unique=True)
    organization = models.ForeignKey(Organization, models.SET_NULL, null=True, related_name="users")
    role = models.ForeignKey(Role, models.PROTECT, null=True, related_name="users")

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []


class Note(models.Model):
    """A remark on anything. `object_id` is text so that it can name keys of every type."""

    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.CharField(max_length=64)
    target = GenericForeignKey()
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["content_type", "object_id"])]


class Client(models.Model):
    """A company that an organization sells to."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="clients")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=200)
    archived_at = models.DateTimeField(null=True)
    notes = GenericRelation(Note)

    def __str__(self) -> str:
        return self.name


class Deal(models.Model):
    """A sale to a client. Whoever made it answers for it, and so cannot be deleted."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="deals")
    client = models.ForeignKey(Client, models.CASCADE, related_name="deals")
    created_by = models.ForeignKey(User, models.PROTECT, related_name="deals")
    deal_id = models.CharField(
        max_length=20, help_text="Numbered within the organization: DLID0001"
    )
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    created_at = models.DateTimeField(auto_now_add=True)
    watchers = models.ManyToManyField(User, related_name="watched_deals")
    notes = GenericRelation(Note)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "deal_id"], name="deal_id_in_organization"
            )
        ]

    def __str__(self) -> str:
        return f"{self.deal_id} - {self.client}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            if not self.deal_id:
                self.deal_id = self._next_deal_id()
            super().save(*args, **kwargs)

    def _next_deal_id(self) -> str:
        # The lock lets deals of one organization be numbered one after another.
        organization = Organization.objects.select_for_update().get(pk=self.organization_id)
        latest = organization.deals.order_by("pk").last()
        number = int(latest.deal_id.removeprefix("DLID")) + 1 if latest else 1
        return f"DLID{number:04}"


class Payment(models.Model):
    deal = models.ForeignKey(Deal, models.CASCADE, related_name="payments")
    recorded_by = models.ForeignKey(User, models.RESTRICT, related_name="+")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    recorded_at = models.DateTimeField(auto_now_add=True)


class Commission(models.Model):
    """What a seller earns by a payment: it is on a payslip, and so are seller and deal."""

    deal = models.ForeignKey(Deal, models.PROTECT, related_name="commissions")
    seller = models.ForeignKey(User, models.PROTECT, related_name="commissions")
    amount = models.DecimalField(max_digits=12, decimal_places=2)


class ActivityLog(models.Model):
    """What happened to a deal, kept for as long as the deal."""

    deal = models.ForeignKey(Deal, models.CASCADE, related_name="activity")
    actor = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
