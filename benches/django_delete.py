"""Deletes organization 1 with Django's collector. benches/run starts it: django_delete.py BACKEND DATABASE PORT

The models say what crm.py's references say, RESTRICT as PROTECT; as PROTECT demands, what protects goes first."""

import sys

import django
from django.conf import settings

backend, database, port = sys.argv[1:]
# Only the models of installed apps are collected: this file is one.
settings.configure(USE_TZ=False, INSTALLED_APPS=["__main__"], DATABASES={"default": {
    "ENGINE": f"django.db.backends.{backend}", "NAME": database, "HOST": "127.0.0.1", "PORT": port,
    "USER": "postgres"}})
django.setup()

from django.db import models, transaction
from django.db.models import CASCADE, PROTECT, SET_NULL


def refers(to, action, column, null=False):
    return models.ForeignKey(to, action, db_column=column, related_name="+", null=null or action is SET_NULL)


class Organization(models.Model):
    name = models.TextField()
    plan = models.TextField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        app_label, managed, db_table = "__main__", False, "organizations"


class Role(models.Model):
    org = refers(Organization, CASCADE, "org_id")
    name = models.TextField()

    class Meta:
        app_label, managed, db_table = "__main__", False, "roles"


class User(models.Model):
    org = refers(Organization, CASCADE, "org_id")
    role = refers(Role, PROTECT, "role_id", null=True)
    email = models.TextField()
    full_name = models.TextField(null=True)
    password = models.TextField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        app_label, managed, db_table = "__main__", False, "users"


class Team(models.Model):
    org = refers(Organization, CASCADE, "org_id")
    name = models.TextField()

    class Meta:
        app_label, managed, db_table = "__main__", False, "teams"


class UserTeam(models.Model):
    pk = models.CompositePrimaryKey("user_id", "team_id")
    user = refers(User, CASCADE, "user_id")
    team = refers(Team, CASCADE, "team_id")

    class Meta:
        app_label, managed, db_table = "__main__", False, "user_teams"


class Client(models.Model):
    org = refers(Organization, CASCADE, "org_id")
    created_by = refers(User, PROTECT, "created_by")
    name = models.TextField()
    email = models.TextField(null=True)
    phone = models.TextField(null=True)
    address = models.TextField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        app_label, managed, db_table = "__main__", False, "clients"


class Deal(models.Model):
    client = refers(Client, CASCADE, "client_id")
    created_by = refers(User, PROTECT, "created_by")
    updated_by = refers(User, SET_NULL, "updated_by")
    title = models.TextField()
    notes = models.TextField(null=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    status = models.TextField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        app_label, managed, db_table = "__main__", False, "deals"


class Payment(models.Model):
    deal = refers(Deal, CASCADE, "deal_id")
    verified_by = refers(User, PROTECT, "verified_by", null=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    method = models.TextField(null=True)
    ref = models.TextField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        app_label, managed, db_table = "__main__", False, "payments"


class DealAudit(models.Model):
    deal = refers(Deal, CASCADE, "deal_id")
    parent = refers("self", CASCADE, "parent_id", null=True)
    user = refers(User, SET_NULL, "user_id")
    action = models.TextField()
    detail = models.TextField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        app_label, managed, db_table = "__main__", False, "deal_audit"


class Comment(models.Model):
    deal = refers(Deal, CASCADE, "deal_id")
    author = refers(User, CASCADE, "author_id")
    body = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        app_label, managed, db_table = "__main__", False, "comments"


class Notification(models.Model):
    user = refers(User, CASCADE, "user_id")
    kind = models.TextField(null=True)
    body = models.TextField(null=True)
    seen = models.BooleanField()
    created_at = models.DateTimeField()

    class Meta:
        app_label, managed, db_table = "__main__", False, "notifications"


with transaction.atomic():
    organization = Organization.objects.get(name="Organization 1")
    Deal.objects.filter(client__org=organization).delete()
    Client.objects.filter(org=organization).delete()
    User.objects.filter(org=organization).delete()
    organization.delete()
