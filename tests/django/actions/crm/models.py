"""Every on-delete action and every kind of relation, around an organization."""

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models


class Organization(models.Model):
    name = models.CharField(max_length=50)
    parent = models.ForeignKey("self", models.SET_NULL, null=True)

    def __str__(self):
        return self.name


class Stage(models.Model):
    """Rows 1 and 2 are what SET_DEFAULT and SET() write; they usually belong to nobody."""

    organization = models.ForeignKey(Organization, models.CASCADE, null=True)
    title = models.CharField(max_length=50)


class Note(models.Model):
    """Tied to rows by integer."""

    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.BigIntegerField()
    about = GenericForeignKey()
    text = models.TextField()
    answers = models.ForeignKey("self", models.CASCADE, null=True)


class Tag(models.Model):
    """Tied to rows by text."""

    kind = models.ForeignKey(ContentType, models.CASCADE, related_name="+", db_column="kind")
    key = models.CharField(max_length=40)
    about = GenericForeignKey("kind", "key")
    word = models.CharField(max_length=50)


# Multi-table inheritance: each child model has a table of its own with a link to the parent's.


class Person(models.Model):
    organization = models.ForeignKey(Organization, models.CASCADE, null=True)
    code = models.CharField(max_length=20, unique=True)
    full_name = models.CharField(max_length=50)
    notes = GenericRelation(Note)

    def __str__(self):
        return f"{self.full_name} ({self.code})"


class Manager(Person):
    answers_for = models.ForeignKey(Organization, models.CASCADE, null=True)


class Executive(Manager):
    level = models.IntegerField(default=1)


class Contractor(Person):
    person = models.OneToOneField(Person, models.CASCADE, parent_link=True, primary_key=True)
    agency = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")


# One to one.


class Badge(models.Model):
    person = models.OneToOneField(Person, models.CASCADE, primary_key=True)


class Passport(models.Model):
    holder = models.OneToOneField(Person, models.SET_NULL, null=True)
    number = models.CharField(max_length=50)


class Parking(models.Model):
    """SET_DEFAULT on a unique column: two rows cannot both get the default."""

    organization = models.ForeignKey(Organization, models.CASCADE, null=True)
    stage = models.OneToOneField(Stage, models.SET_DEFAULT, default=1)


class Permit(models.Model):
    parking = models.ForeignKey(Parking, models.CASCADE)


# Many to many, with an automatic and with an own through table.


class Team(models.Model):
    organization = models.ForeignKey(Organization, models.CASCADE)
    members = models.ManyToManyField(Person, related_name="teams")
    partners = models.ManyToManyField("self")
    leader = models.ForeignKey(Manager, models.RESTRICT, null=True, related_name="+")
    deputies = models.ManyToManyField(Person, through="Deputy", related_name="+")


class Deputy(models.Model):
    team = models.ForeignKey(Team, models.CASCADE)
    person = models.ForeignKey(Person, models.SET_NULL, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "person"], name="one_deputy")]


class Client(models.Model):
    organization = models.ForeignKey(Organization, models.CASCADE)
    contact = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=50)


class VipClient(Client):
    class Meta:
        proxy = True


class Deal(models.Model):
    organization = models.ForeignKey(Organization, models.CASCADE)
    number = models.CharField(max_length=50)
    client = models.ForeignKey(Client, models.CASCADE, null=True)
    vip = models.ForeignKey(VipClient, models.RESTRICT, null=True, related_name="+")
    created_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    closed_by = models.ForeignKey(Manager, models.DO_NOTHING, null=True, related_name="+")
    imported_by = models.ForeignKey(
        Person, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    stage = models.ForeignKey(Stage, models.SET_DEFAULT, default=1, related_name="+")
    fallback = models.ForeignKey(Stage, models.SET(2), related_name="+")
    notes = GenericRelation(Note)
    tags = GenericRelation(Tag, "key", "kind")

    def __str__(self):
        return self.number


class Payment(models.Model):
    """References a unique column that is no primary key, from a table and a column to be quoted."""

    deal = models.ForeignKey(Deal, models.CASCADE, db_column="theDeal")
    paid_by = models.ForeignKey(
        Person, models.RESTRICT, to_field="code", null=True, db_column="Paid by"
    )

    class Meta:
        db_table = '"Odd Payments"'


class Folder(models.Model):
    organization = models.ForeignKey(Organization, models.SET_NULL, null=True)
    parent = models.ForeignKey("self", models.CASCADE, null=True)
    keeps = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")


class Task(models.Model):
    folder = models.ForeignKey(Folder, models.CASCADE, null=True)
    deal = models.ForeignKey(Deal, models.CASCADE, null=True)
    after = models.OneToOneField("self", models.RESTRICT, null=True)


class Invoice(models.Model):
    organization = models.ForeignKey(Organization, models.CASCADE)
    number = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="one_invoice")
        ]


class InvoiceLine(models.Model):
    """References two columns; Django makes no constraint of it."""

    seller = models.BigIntegerField()
    invoice_number = models.IntegerField()
    invoice = models.ForeignObject(
        Invoice, models.CASCADE, ["seller", "invoice_number"], ["organization", "number"]
    )
