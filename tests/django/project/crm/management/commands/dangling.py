"""The proof after a clean-up, by Django's models rather than by the database.

The database does not know all references: a generic one is two ordinary columns to it.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.core.management.base import BaseCommand, CommandError
from django.db.models import ForeignKey, Model


def dangling_keys(model: type[Model], field: ForeignKey) -> Iterator[str]:
    """Rows of `model` whose foreign key names no row."""
    target, column = field.target_field.model, field.target_field.attname
    parents = target._base_manager.values(column)
    rows = model._base_manager.exclude(**{field.attname: None})
    rows = rows.exclude(**{f"{field.attname}__in": parents})
    for pk, key in rows.values_list("pk", field.attname):
        yield f"{model._meta.label_lower} {pk}: {field.name} -> {target._meta.label_lower} {key}"


def dangling_generic_keys(model: type[Model], field: GenericForeignKey) -> Iterator[str]:
    """Rows of `model` whose generic key names no row, or one of a model that is gone."""
    rows = model._base_manager.exclude(**{field.ct_field: None}).exclude(**{field.fk_field: None})
    for content_type in ContentType.objects.filter(pk__in=rows.values(field.ct_field)):
        name, target = ".".join(content_type.natural_key()), content_type.model_class()
        # Compared as text: the column may have another type than the keys that it holds.
        keys = set(map(str, target._base_manager.values_list("pk", flat=True))) if target else ()
        of_type = rows.filter(**{field.ct_field: content_type})
        for pk, key in of_type.values_list("pk", field.fk_field):
            if str(key) not in keys:
                yield f"{model._meta.label_lower} {pk}: {field.name} -> {name} {key}"


def dangling() -> Iterator[str]:
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.local_fields:
            if isinstance(field, ForeignKey):
                yield from dangling_keys(model, field)
        for field in model._meta.private_fields:
            if isinstance(field, GenericForeignKey):
                yield from dangling_generic_keys(model, field)


class Command(BaseCommand):
    help = "Prints every reference to a row that does not exist, and fails when there is one."

    def handle(self, **options: Any) -> None:
        found = list(dangling())
        for line in found:
            self.stdout.write(line)
        if found:
            raise CommandError(f"{len(found)} references dangle")
        self.stdout.write("nothing dangles")
