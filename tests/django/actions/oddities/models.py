"""What Django does in Python only: each model here is worth a caveat."""

import uuid
from functools import partial

import django
from crm.models import Note, Organization, Tag
from django.contrib.contenttypes.fields import GenericRelation
from django.db import models
from django.db.migrations.serializer import BaseSerializer, serializer_factory
from django.db.migrations.writer import MigrationWriter
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver


def somebody():
    return 1


def archive(collector, field, sub_objs, using):
    pass


class Document(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, models.SET(somebody), related_name="+")
    reviewer = models.ForeignKey(
        Organization, models.SET_DEFAULT, default=somebody, related_name="+"
    )
    keeper = models.ForeignKey(Organization, archive, related_name="+")
    tags = GenericRelation(Tag, "key", "kind")

    def delete(self, *args, **kwargs):
        super().delete(*args, **kwargs)

    def __str__(self):
        return "Document"


class Guard:
    """As django-polymorphic's: migrations write what it wraps."""

    def __init__(self, action):
        self.action = action

    def __call__(self, *args):
        self.action(*args)


class GuardSerializer(BaseSerializer):
    def serialize(self):
        return serializer_factory(self.value.action).serialize()


MigrationWriter.register_serializer(Guard, GuardSerializer)


class Attachment(models.Model):
    organization = models.ForeignKey(Organization, Guard(models.PROTECT), related_name="+")
    copier = models.ForeignKey(Organization, partial(archive), related_name="+")
    path = models.FileField()


class Paper(Document):
    pages = models.IntegerField()


class Remark(Note):
    """Its generic key is the parent's: a relation to it must not take other notes."""


class OpenOnly(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(closed=False)


class Ticket(models.Model):
    organization = models.ForeignKey(Organization, models.CASCADE)
    subject = models.CharField(max_length=50)
    closed = models.BooleanField(default=False)
    remarks = GenericRelation(Remark)
    everything = models.Manager()
    opened = OpenOnly()

    class Meta:
        base_manager_name = "opened"

    def heading(self):
        return self.subject.upper()

    def __str__(self):
        return self.heading()


class Legacy(models.Model):
    organization = models.ForeignKey(Organization, models.CASCADE)

    class Meta:
        managed = False
        db_table = '"old"."Legacy rows"'


class LogLine(models.Model):
    organization = models.ForeignKey(Organization, models.DO_NOTHING, db_constraint=False)


if django.VERSION >= (5, 0):

    class Preset(models.Model):
        organization = models.ForeignKey(Organization, models.SET_DEFAULT, default=2, db_default=1)


if django.VERSION >= (5, 2):

    class Membership(models.Model):
        pk = models.CompositePrimaryKey("organization_id", "number")
        organization = models.ForeignKey(Organization, models.CASCADE)
        number = models.IntegerField()
        tags = GenericRelation(Tag, "key", "kind")


@receiver(pre_delete, sender=Ticket)
def unindex(sender, **kwargs):
    pass


@receiver(post_delete)
def count(sender, **kwargs):
    pass
