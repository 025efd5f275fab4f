"""Deletes organizations with Django's own collector, for a test that compares.

    ORGSWEEP_DJANGO_DATABASE=postgres://… PYTHON trial.py

creates the tables where they are missing and then answers one line of JSON per line of JSON:

    {"command": "fill", "seed": 7}                     committed; replaces all rows
    {"command": "delete", "organizations": [1]}        rolled back
    {"command": "dump"}

`fill` takes "across" too, how likely a reference leads out of its organization (0 to 1), and
"crowded": more rows, which name more of each other; `delete` takes "thorough": without the
shortcuts of the collector.
"""

import contextlib
import json
import os
import sys
from pathlib import Path

import django

os.chdir(Path(__file__).parent)
os.environ["DJANGO_SETTINGS_MODULE"] = "actions.settings"
django.setup()

from crm.models import Organization  # noqa: E402
from django.apps import apps  # noqa: E402
from django.contrib.contenttypes.models import ContentType  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import IntegrityError, connection, models, transaction  # noqa: E402
from django.db.models.deletion import (  # noqa: E402
    PROTECT,
    Collector,
    ProtectedError,
    RestrictedError,
)
from world import World  # noqa: E402

MODELS = [
    model
    for model in apps.get_app_config("crm").get_models(include_auto_created=True)
    if not model._meta.proxy
]


# To MariaDB a quote is a character like others.
UNQUOTED = '"' if connection.vendor == "mysql" else ""

# Of references, before protected ones are replaced.
ACTIONS = {
    f"{model._meta.db_table}.{field.column}".replace('"', UNQUOTED): field.remote_field.on_delete
    for model in MODELS
    for field in model._meta.local_fields
    if getattr(field, "remote_field", None)
}


def main():
    if connection.vendor == "mysql":
        # It cannot defer its checks, for which Django's collector has no order; the trial asks for what
        # dangles by itself.
        execute("SET foreign_key_checks = 0")
    if Organization._meta.db_table not in connection.introspection.table_names():
        call_command("migrate", run_syncdb=True, verbosity=0)
    record_protections()
    answer(
        {
            "ready": True,
            "django": django.get_version(),
            "vendor": connection.vendor,
            "actions": actions(),
            "content_types": content_types(),
        }
    )
    for line in sys.stdin:
        request = json.loads(line)
        command = {"fill": fill, "delete": delete, "dump": dump}[request.pop("command")]
        answer(command(**request))


def answer(result):
    print(json.dumps(result, default=str), flush=True)


def fill(seed, across=None, crowded=False):
    world = World(MODELS, seed, across, crowded)
    with transaction.atomic():
        for model in MODELS:
            execute(f"DELETE FROM {quoted(model._meta.db_table)}")
        for row in world.everything():
            # Raw: one INSERT into the row's own table, nothing for the parents of the model.
            row.save_base(raw=True, force_insert=True)
    return {"seed": seed, "organizations": world.organizations()}


def actions():
    return {name: on_delete.__name__ for name, on_delete in ACTIONS.items()}


def content_types():
    """The table that a content type's key stands for."""
    found = ContentType.objects.get_for_models(*MODELS)
    return {kind.pk: table_name(model) for model, kind in found.items()}


def delete(organizations, thorough=False):
    """The refusals, and every row that is left where the collector got that far."""
    with rolled_back():
        refusals = refusals_of(organizations, ThoroughCollector if thorough else RecordingCollector)
        got_far = all(refusal["action"] == "DANGLING" for refusal in refusals)
        tables = dump()["tables"] if got_far else None
    outcome = "refused" if refusals else "deleted"
    return {
        "organizations": organizations,
        "outcome": outcome,
        "refusals": refusals,
        "tables": tables,
    }


def dump():
    return {"tables": {table_name(model): rows(model) for model in MODELS}}


def rows(model):
    fields = model._meta.local_concrete_fields
    columns = ", ".join(quoted(field.column) for field in fields)
    found = execute(f"SELECT {columns} FROM {quoted(model._meta.db_table)}")
    named = [dict(zip((field.column for field in fields), row)) for row in found]
    return sorted(named, key=lambda row: json.dumps(row, default=str))


@contextlib.contextmanager
def rolled_back():
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# --- deletion ---


class RecordingCollector(Collector):
    """Remembers which protected references it met: the exception that arrives names only the
    relations of the topmost model that lead to them."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.protected = []

    def protect(self, field, sub_objs):
        self.protected.append((field, list(sub_objs)))
        PROTECT(self, field, sub_objs, self.using)


class ThoroughCollector(RecordingCollector):
    """Without two shortcuts of Django's, so that the order of its steps does not matter.

    Of a parent model's row that goes with the row of its child, Django leaves the rows of other
    child models and those of generic relations. And it updates rows that it deletes afterwards.
    """

    def collect(self, *arguments, **options):
        super().collect(*arguments, **{**options, "collect_related": True})

    def protect(self, field, sub_objs):
        """Raised by a parent model's row, the exception would keep other rows from being found."""
        self.protected.append((field, list(sub_objs)))

    def delete(self):
        updates, self.field_updates = self.field_updates, {}
        super().delete()
        self.data, self.fast_deletes, self.field_updates = {}, [], updates
        super().delete()


def protect(collector, field, sub_objs, using):
    collector.protect(field, sub_objs)


def record_protections():
    """The collector compares on_delete with CASCADE and DO_NOTHING only; others it calls."""
    for model in MODELS:
        for field in model._meta.local_fields:
            if field.remote_field and field.remote_field.on_delete is PROTECT:
                field.remote_field.on_delete = protect


def refusals_of(organizations, collector_class):
    """Deletes as QuerySet.delete() does; what stood in the way."""
    collector = collector_class(using="default")
    try:
        with transaction.atomic():
            collector.collect(Organization.objects.filter(pk__in=organizations))
            if not collector.protected:
                collector.delete()
    except (ProtectedError, RestrictedError):
        pass
    except IntegrityError as error:
        return [{"action": "INTEGRITY", "message": str(error).splitlines()[0]}]
    if collector.protected:
        return [refusal("PROTECT", field, found) for field, found in collector.protected]
    if any(any(fields.values()) for fields in collector.restricted_objects.values()):
        restricted = collector.restricted_objects.values()
        found = [pair for fields in restricted for pair in fields.items()]
        return [refusal("RESTRICT", field, rows) for field, rows in found if rows]
    return dangling()


def refusal(action, field, found):
    return {
        "action": action,
        "table": table_name(field.model),
        "column": field.column,
        "keys": sorted(row.pk for row in found),
    }


def dangling():
    """Rows that violate a deferred foreign key, which a COMMIT would now refuse."""
    fields = (field for model in MODELS for field in model._meta.local_fields)
    constraints = [field for field in fields if getattr(field, "db_constraint", False)]
    found = [(field, orphans(field)) for field in constraints]
    refusals = [refusal("DANGLING", field, rows) for field, rows in found if rows]
    assert bool(refusals) == database_refuses(), refusals
    return refusals


def orphans(field):
    ((ours, theirs),) = field.related_fields
    parents = theirs.model._base_manager.filter(**{theirs.attname: models.OuterRef(ours.attname)})
    children = field.model._base_manager.filter(**{f"{ours.attname}__isnull": False})
    return list(children.filter(~models.Exists(parents)).only("pk"))


def database_refuses():
    try:
        with transaction.atomic():
            connection.check_constraints()
    except IntegrityError:
        return True
    return False


# --- SQL ---


def execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def quoted(name):
    return connection.ops.quote_name(name)


def table_name(model):
    return model._meta.db_table.replace('"', UNQUOTED)


if __name__ == "__main__":
    main()
