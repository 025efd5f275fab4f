"""Random rows for the models of crm: a few organizations that mostly keep to themselves."""

import random
from collections import defaultdict

from crm.models import (
    Client,
    Contractor,
    Deal,
    Executive,
    Invoice,
    InvoiceLine,
    Manager,
    Note,
    Organization,
    Person,
    Stage,
    Tag,
)
from django.contrib.contenttypes.models import ContentType
from django.db import models

# What notes and tags can be about; a client has no GenericRelation to either.
SUBJECTS = [Person, Manager, Executive, Contractor, Deal, Client]

# One value per seed and reference: how likely it is not null.
USUAL = [0, 0.3, 0.8]
# Most organizations should be deletable, so those that can stop a deletion are rarer.
STOPPING = [0, 0, 0.2, 0.5]
# Where everything hangs together.
CROWDED = [0.9]
CROWDED_STOPPING = [0, 0, 0, 0, 0, 0.1]


class World:
    """Keys are dealt first, then references between them: the models form cycles."""

    def __init__(self, models_, seed, across=None, crowded=False):
        self.random = random.Random(seed)
        self.crowded = crowded
        self.across = self.random.choice([0, 0.1, 0.3]) if across is None else across
        usual, stopping = (CROWDED, CROWDED_STOPPING) if crowded else (USUAL, STOPPING)
        self.filled = defaultdict(lambda: self.random.choice(usual))
        self.stopping = defaultdict(lambda: self.random.choice(stopping))
        self.rows = {}
        self.homes = {}
        self.taken = defaultdict(set)
        # Automatic through tables come before the model that they belong to.
        self.models = sorted(models_, key=lambda model: bool(model._meta.auto_created))
        for model in self.models:
            self.rows[model] = list(self.deal_keys(model))
        for model in self.models:
            self.rows[model] = [row for row in self.rows[model] if self.complete(row)]

    def everything(self):
        return (row for model in self.models for row in self.rows[model])

    def organizations(self):
        return [row.pk for row in self.rows[Organization]]

    # --- keys ---

    def deal_keys(self, model):
        """New rows with a key and a home, the organization that they keep to (None: nobody's)."""
        key = model._meta.pk
        if key.remote_field:
            for parent in self.rows[key.remote_field.model]:
                if self.random.random() < 0.5:
                    yield self.housed(model(pk=parent.pk), self.home(parent))
        elif all(self.rows[target] for target in required_targets(model)):
            for number in range(1, self.how_many(model) + 1):
                yield self.housed(model(pk=number), self.new_home(model, number))

    def how_many(self, model):
        if model in (Organization, Stage):
            return self.random.randint(2, 4)
        if self.crowded:
            return self.random.randint(20, 30) if model is Note else self.random.randint(6, 12)
        return self.random.randint(0, 6)

    def new_home(self, model, number):
        if model is Organization:
            return number
        if model is Stage and number <= 2 and self.random.random() < 0.9:
            return None
        nobody = [] if Organization in required_targets(model) else [None]
        return self.random.choice(self.organizations() + nobody)

    def housed(self, row, home):
        self.homes[type(row), row.pk] = home
        return row

    def home(self, row):
        return self.homes[type(row), row.pk]

    # --- values ---

    def complete(self, row):
        """Fills a row in; false where no value is free for it."""
        for field in row._meta.local_concrete_fields:
            if not field.primary_key:
                setattr(row, field.attname, self.value(row, field))
        if isinstance(row, Note):
            row.content_type, row.object_id = self.subject()
        elif isinstance(row, Tag):
            row.kind, row.key = self.subject()
        elif isinstance(row, InvoiceLine):
            self.bill(row)
        return self.is_valid(row)

    def value(self, row, field):
        if isinstance(field, models.ForeignKey) and field.related_model is not ContentType:
            target = self.target(row, field)
            return target and getattr(target, field.target_field.attname)
        text = isinstance(field, (models.CharField, models.TextField))
        return f"{row._meta.model_name} {row.pk}" if text else row.pk

    def target(self, row, field):
        """A row for the reference to name, mostly one of the same home."""
        if field.null and self.random.random() >= self.likelihood(field):
            return None
        candidates = self.rows[field.remote_field.model._meta.concrete_model]
        if field.unique:
            taken = self.taken[type(row), (field.attname,)]
            name = field.target_field.attname
            candidates = [other for other in candidates if (getattr(other, name),) not in taken]
        neighbours = [other for other in candidates if self.home(other) == self.home(row)]
        # A second organization as a parent is never a neighbour.
        abroad = self.random.random() < self.across or field.model is Organization
        near = candidates if abroad else neighbours
        if not near and not field.null:
            near = candidates
        return self.random.choice(near) if near else None

    def likelihood(self, field):
        stops = field.remote_field.on_delete not in (models.CASCADE, models.SET_NULL)
        return (self.stopping if stops else self.filled)[field]

    def subject(self):
        """A content type and a key, of a row that may not exist."""
        model = self.random.choice(SUBJECTS)
        key = self.random.randint(1, 7)
        if self.crowded and self.rows[model]:
            key = self.random.choice(self.rows[model]).pk
        return ContentType.objects.get_for_model(model), key

    def bill(self, line):
        invoices = self.rows[Invoice]
        if invoices and self.random.random() < 0.8:
            invoice = self.random.choice(invoices)
            line.seller, line.invoice_number = invoice.organization_id, invoice.number

    def is_valid(self, row):
        fields = row._meta.local_concrete_fields
        missing = [f for f in fields if not f.null and getattr(row, f.attname) is None]
        return not missing and all(self.is_free(row, unique) for unique in unique_sets(row))

    def is_free(self, row, names):
        values = tuple(getattr(row, name) for name in names)
        taken = self.taken[type(row), names]
        if None in values:
            return True
        if values in taken:
            return False
        taken.add(values)
        return True


def required_targets(model):
    """The models that a row must reference, those without rows of this world left out."""
    fields = (field for field in model._meta.local_fields if field.remote_field and not field.null)
    targets = (field.remote_field.model._meta.concrete_model for field in fields)
    return [target for target in targets if target is not ContentType]


def unique_sets(row):
    """Names of columns that are unique together."""
    meta = row._meta
    single = [(f.attname,) for f in meta.local_concrete_fields if f.unique and not f.primary_key]
    fields = [constraint.fields for constraint in meta.constraints]
    together = [*meta.unique_together, *fields]
    return single + [tuple(meta.get_field(name).attname for name in names) for names in together]
