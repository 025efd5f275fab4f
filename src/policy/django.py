"""Reads from a Django project what its ORM does when rows are deleted.

Django keeps on-delete actions, generic relations and inheritance in Python; the database's own
constraints say NO ACTION throughout. `orgsweep policy django` runs this file inside the project,
with the project's Python, and makes a policy file of the JSON that it prints:

    PYTHON - path/to/manage.py [--database ALIAS] [--address] < django.py

With --address it prints {"url": …} instead, the database as a URL of orgsweep's. It needs Django (4.2
or later) and the standard library. No database is connected to. A failure prints
{"error": …, "kind": …} instead, with the traceback on stderr, and exits with 1.
"""

import argparse
import ast
import contextlib
import inspect
import json
import os
import re
import runpy
import sys
import textwrap
import traceback
import urllib.parse
import weakref

try:
    import django
    from django.apps import apps
    from django.conf import settings
    from django.core.management import ManagementUtility
    from django.db import connections, models, router
    from django.db.migrations.writer import MigrationWriter
    from django.db.models.deletion import get_candidate_relations_to_delete
    from django.db.models.signals import post_delete, pre_delete
except ImportError as missing:
    traceback.print_exc()
    print(json.dumps({"error": f"{type(missing).__name__}: {missing}", "kind": "django-missing"}))
    sys.exit(1)

FORMAT = 1

ACTIONS = {
    models.CASCADE: "CASCADE",
    models.PROTECT: "PROTECT",
    models.RESTRICT: "RESTRICT",
    models.SET_NULL: "SET_NULL",
    models.SET_DEFAULT: "SET_DEFAULT",
    models.DO_NOTHING: "DO_NOTHING",
    # The database's own actions came with Django 6.1.
    **{
        getattr(models, name): name
        for name in ("DB_CASCADE", "DB_SET_NULL", "DB_SET_DEFAULT")
        if hasattr(models, name)
    },
}


# What says where a row is in its tree, and is no reference.
PATHS = "a tree by paths: rows below one that goes stay, and so does numchild of the row above"
BOUNDS = "a tree by numbers, which the rows that stay keep: rebuild them afterwards"
TREES = {
    "treebeard.mp_tree.MP_Node": PATHS,
    "treebeard.ns_tree.NS_Node": BOUNDS,
    "mptt.models.MPTTModel": BOUNDS,
}


# --- running inside the project ---


class Failure(Exception):
    """Why nothing could be read, and at which stage."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class HandedOver(BaseException):
    """Ends manage.py where it hands over to Django.

    Not an Exception: manage.py has handlers for those.
    """


def main():
    arguments = parse_arguments()
    result = take_stdout()
    try:
        answer, code = read(arguments), 0
    except Failure as failure:
        traceback.print_exc()
        answer, code = {"error": str(failure), "kind": failure.kind}, 1
    json.dump(answer, result, default=str)
    result.write("\n")
    for stream in (result, sys.__stdout__, sys.stderr):
        stream.flush()
    # Threads that the project started in AppConfig.ready() must not keep the process alive.
    os._exit(code)


def parse_arguments():
    parser = argparse.ArgumentParser(prog="django.py")
    parser.add_argument("manage")
    parser.add_argument("--database", default="default")
    parser.add_argument("--address", action="store_true")
    return parser.parse_args()


def take_stdout():
    """The real stdout; whatever the project prints, from C too, goes to stderr from here on."""
    sys.stdout.flush()
    result = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return result


def read(arguments):
    with stage("manage"):
        run_manage(arguments.manage)
    with stage("settings"):
        settings.INSTALLED_APPS  # The first access loads the settings.
    with stage("import"):
        django.setup()
    with stage("database"):
        connection = connections[arguments.database]
    if arguments.address:
        with stage("address"):
            return {"url": address(connection)}
    with stage("models"):
        return describe(connection)


@contextlib.contextmanager
def stage(kind):
    """Turns what the project raises (sys.exit() included) into a Failure of this kind."""
    try:
        yield
    except Failure:
        raise
    except (Exception, SystemExit) as error:
        message = " ".join(str(error).split())
        raise Failure(kind, f"{type(error).__name__}: {message}") from error


def run_manage(path):
    """Runs manage.py up to where it hands over to Django.

    So that everything that it prepares (DJANGO_SETTINGS_MODULE, .env files, sys.path) is as in the
    project's own commands. execute_from_command_line() ends in ManagementUtility.execute(), and so
    do the variants of it that projects write.
    """
    path = os.path.abspath(path)
    folder, name = os.path.split(path)
    os.chdir(folder)
    sys.path.insert(0, folder)
    # Settings look at argv[1], to know their tests for example.
    sys.argv = [path, "orgsweep"]

    def hand_over(utility):
        raise HandedOver

    original, ManagementUtility.execute = ManagementUtility.execute, hand_over
    try:
        runpy.run_path(path, run_name="__main__")
    except HandedOver:
        return
    finally:
        ManagementUtility.execute = original
    raise Failure("manage", f"{name} ended without calling Django's execute_from_command_line()")


# --- the database ---

# What PostgreSQL's parameters are not, and what says nothing about which database it is.
OF_THE_LIBRARY = {"client_encoding", "context", "cursor_factory", "prepare_threshold"}


def address(connection):
    """The database as a URL, made of what Django gives its driver."""
    given = connection.get_connection_params()
    if connection.vendor == "sqlite":
        return file_address(str(given["database"]))
    if connection.vendor == "postgresql":
        return server_address("postgres", given, postgres_parameters(given))
    if connection.vendor == "mysql":
        return server_address("mysql", given, mysql_parameters(given))
    raise Failure("address", f"its database is one of {connection.display_name}")


def file_address(name):
    if name == ":memory:" or "mode=memory" in name:
        raise Failure("address", "its database is in the memory of its own process")
    if name.startswith("file:"):
        name = urllib.parse.unquote(name.removeprefix("file:").partition("?")[0])
    return "sqlite:" + os.path.abspath(name)


def server_address(scheme, given, parameters):
    user, password = given.get("user"), given.get("password") or given.get("passwd")
    name = given.get("dbname") or given.get("database") or given.get("db")
    host, port = given.get("host"), given.get("port")
    url = f"{scheme}://{quoted(user)}"
    if password:
        url += f":{quoted(password)}"
    if user or password:
        url += "@"
    # A directory of sockets is no host.
    if host and str(host).startswith("/"):
        parameters["host"] = host
    elif host:
        url += f"[{host}]" if ":" in str(host) else quoted(host)
    url += (f":{port}" if port else "") + f"/{quoted(name)}"
    query = "&".join(f"{quoted(key)}={quoted(value)}" for key, value in parameters.items())
    return f"{url}?{query}" if query else url


def postgres_parameters(given):
    named = {"user", "password", "dbname", "host", "port"} | OF_THE_LIBRARY
    return {key: value for key, value in given.items() if key not in named}


def mysql_parameters(given):
    if "read_default_file" in given:
        raise Failure("address", "its settings leave the database to read_default_file")
    tls = given.get("ssl")
    ca = tls.get("ca") if isinstance(tls, dict) else given.get("ssl_ca")
    # As MySQL's own client takes an authority without a mode.
    mode = given.get("ssl_mode") or ("VERIFY_CA" if ca else "REQUIRED" if tls else None)
    wanted = {
        "socket": given.get("unix_socket"),
        "ssl-ca": ca,
        "ssl-mode": mode and mode.lower(),
    }
    return {key: value for key, value in wanted.items() if value}


def quoted(value):
    return urllib.parse.quote(str(value or ""), safe="")


# --- the models ---


def describe(connection):
    """Everything that the collector (django/db/models/deletion.py) goes by, for one database."""
    everywhere = [model for model in apps.get_models(include_auto_created=True) if has_table(model)]
    # Models that migrate would not create in this database have no tables in it.
    here = [m for m in everywhere if router.allow_migrate_model(connection.alias, m)]
    relations = list(deletion_relations(here))
    return {
        "format": FORMAT,
        "django": django.get_version(),
        "vendor": connection.vendor,
        "database_engine": connection.settings_dict["ENGINE"],
        "references": [reference(field, connection) for field in relations],
        "generic": generic_references(here, connection),
        "content_types": content_types(connection),
        "inherits": [link for model in here for link in parent_links(model, connection)],
        "labels": [label for model in here for label in labels(model, connection)],
        "files": [entry for model in here for entry in files(model, connection)],
        "caveats": [
            *(caveat for field in relations for caveat in action_caveats(field)),
            *(caveat for model in here for caveat in model_caveats(model, connection)),
            *signal_caveats(here),
            *generic_caveats(here, connection),
            *database_caveats(everywhere, connection),
        ],
    }


def has_table(model):
    """Not a proxy, that is; models that are swapped out are not among get_models()."""
    return not model._meta.proxy


def deletion_relations(here):
    """The fields whose on_delete the collector runs, in the order of the child models.

    Asked for each parent with the collector's own function. A child of multi-table inheritance
    repeats the relations to its parents, hence the set.
    """
    related = (relation for m in here for relation in get_candidate_relations_to_delete(m._meta))
    fields = {relation.field for relation in related}
    order = {model: position for position, model in enumerate(here)}
    return sorted(
        (field for field in fields if field.model in order),
        key=lambda field: (order[field.model], field.creation_counter),
    )


def reference(field, connection):
    # The columns can sit in a table above: a to_field may name a field that the target inherits.
    pairs = field.related_fields
    child, parent = pairs[0][0].model, pairs[0][1].model
    return {
        "model": field.model._meta.label,
        "field": field.name,
        "table": table(child, connection),
        "columns": [column(ours, connection) for ours, _ in pairs],
        "to_model": field.remote_field.model._meta.label,
        "to_table": table(parent, connection),
        "to_columns": [column(theirs, connection) for _, theirs in pairs],
        "on_delete": action(field),
        "kind": kind(field),
        # Only a ForeignKey has a constraint, a plain ForeignObject never.
        "constraint": getattr(field, "db_constraint", False) and field.model._meta.managed,
        "nullable": all(ours.null for ours, _ in pairs),
        "set_value": set_value(field, connection),
        "db_default": database_default(field, connection),
        "same_type": all(family(ours) == family(theirs) for ours, theirs in pairs),
    }


def kind(field):
    if field.model._meta.auto_created:
        return "many to many"
    if field.remote_field.parent_link:
        return "parent link"
    if not isinstance(field, models.ForeignKey):
        return "foreign object"
    return "one to one" if field.one_to_one else "foreign key"


def action(field):
    on_delete = on_delete_of(field)
    if is_set(on_delete):
        return "SET"
    known = next((name for known, name in ACTIONS.items() if known is on_delete), None)
    return known or f"OTHER ({custom_name(on_delete)})"


def on_delete_of(field):
    """The action itself.

    What migrations write as the action that it wraps does the same to rows: django-polymorphic's
    guard around each of them, for example.
    """
    on_delete = field.remote_field.on_delete
    wrapped = getattr(on_delete, "action", None)
    while callable(wrapped) and in_migrations(wrapped) == in_migrations(on_delete) is not None:
        on_delete, wrapped = wrapped, getattr(wrapped, "action", None)
    return on_delete


def in_migrations(thing):
    """As a migration writes it; None where it cannot, as a lambda."""
    with contextlib.suppress(Exception):
        return MigrationWriter.serialize(thing)[0]
    return None


def custom_name(on_delete):
    """Of a partial() the function that it calls."""
    return name_of(getattr(on_delete, "func", on_delete))


def is_set(on_delete):
    """SET() returns a new function each time, known by how migrations write it."""
    deconstruct = getattr(on_delete, "deconstruct", None)
    return deconstruct is not None and deconstruct()[0] == "django.db.models.SET"


def set_value(field, connection):
    """What SET() or SET_DEFAULT writes; None where the action writes null or nothing."""
    value = written_value(field)
    if value is models.NOT_PROVIDED:
        return None
    if is_computed(value):
        return {"kind": "callable", "name": name_of(value)}
    return {"kind": "value", "value": field.get_db_prep_save(value, connection)}


def written_value(field):
    """As Python has it: a value, or a function that is called at each deletion.

    As Field.get_default() does for SET_DEFAULT: a default in Python goes before one in the
    database, and a field without either is set to null.
    """
    on_delete = on_delete_of(field)
    if is_set(on_delete):
        return on_delete.deconstruct()[1][0]
    if on_delete is not models.SET_DEFAULT:
        return models.NOT_PROVIDED
    if field.has_default():
        return field.default
    return models.NOT_PROVIDED if has_database_default(field) else None


def is_computed(value):
    return callable(value) and value is not models.NOT_PROVIDED


def has_database_default(field):
    """db_default came with Django 5.0."""
    return getattr(field, "db_default", models.NOT_PROVIDED) is not models.NOT_PROVIDED


def database_default(field, connection):
    if not has_database_default(field):
        return None
    editor = connection.schema_editor(collect_sql=True)
    text, parameters = editor.db_default_sql(field)
    return text % tuple(map(editor.quote_value, parameters))


def family(field):
    """Columns of one family compare without a cast."""
    while field.remote_field:
        field = field.target_field
    if isinstance(field, models.IntegerField):
        return "integer"
    if isinstance(field, (models.CharField, models.TextField)):
        return "text"
    return field.get_internal_type()


def parent_links(model, connection):
    """Links to the parents of multi-table inheritance, whose rows go with the child's.

    Model._meta.parents repeats the links of the parents themselves, and has None for proxies.
    """
    for link in model._meta.parents.values():
        if link and link.model is model:
            ((ours, theirs),) = link.related_fields
            yield {
                "model": model._meta.label,
                "table": table(model, connection),
                "column": column(ours, connection),
                "to_table": table(theirs.model, connection),
                "to_column": column(theirs, connection),
            }


# --- generic foreign keys ---


def generic_references(here, connection):
    """Pairs of columns that name a row of any table.

    Rows go with what they name only where that model has a GenericRelation to them; the collector
    runs its bulk_related_objects() for exactly the class of the rows, copies of the relation that
    child models inherit included.
    """
    if not has_content_types():
        return []
    found = {}
    for model in here:
        for generic_key in generic_foreign_keys(model):
            pair = (generic_key.ct_field, generic_key.fk_field)
            type_field, key_field = map(model._meta.get_field, pair)
            found[type_field, key_field] = []
    for model in here:
        for relation in generic_relations(model):
            if not generic_obstacle(model, relation):
                fields = generic_fields(relation)
                found.setdefault(fields, []).append(cascade_from(model, fields[1], connection))
    return [
        {
            "model": type_field.model._meta.label,
            "table": table(type_field.model, connection),
            "type_column": column(type_field, connection),
            "key_column": column(key_field, connection),
            "cascades_from": cascades,
        }
        for (type_field, key_field), cascades in found.items()
    ]


def cascade_from(model, key_field, connection):
    return {
        "model": model._meta.label,
        "table": table(model, connection),
        "key": column(model._meta.pk, connection),
        "app_label": model._meta.app_label,
        "model_name": model._meta.model_name,
        "same_type": family(key_field) == family(model._meta.pk),
    }


def generic_fields(relation):
    """The fields of the child that hold the content type and the key."""
    child = relation.remote_field.model._meta
    names = (relation.content_type_field_name, relation.object_id_field_name)
    return tuple(map(child.get_field, names))


def generic_obstacle(model, relation):
    """Why a pair of columns does not say which rows go by a GenericRelation; mostly nothing."""
    child = relation.remote_field.model._meta.concrete_model
    if generic_fields(relation)[0].model is not child:
        return f"takes rows of {child._meta.label} only, by columns that it inherits"
    # Django 5.2's CompositePrimaryKey, which Django itself cannot name generically.
    if model._meta.pk.column is None:
        return "stands on a model with a composite primary key, which rows cannot name"
    return None


def generic_foreign_keys(model):
    from django.contrib.contenttypes.fields import GenericForeignKey

    return [field for field in model._meta.private_fields if isinstance(field, GenericForeignKey)]


def generic_relations(model):
    from django.contrib.contenttypes.fields import GenericRelation

    return [field for field in model._meta.private_fields if isinstance(field, GenericRelation)]


def has_content_types():
    """Without it in INSTALLED_APPS its fields cannot even be imported."""
    return apps.is_installed("django.contrib.contenttypes")


def content_types(connection):
    if not has_content_types():
        return None
    model = apps.get_model("contenttypes", "ContentType")
    names = {"key": "id", "app_label": "app_label", "model": "model"}
    fields = {word: model._meta.get_field(name) for word, name in names.items()}
    columns = {word: column(field, connection) for word, field in fields.items()}
    return {"table": table(model, connection), **columns}


# --- labels: what a person recognises a row by ---


def labels(model, connection):
    """The text columns of the model's own table that __str__ reads, where that can be told."""
    fields = {field.name: field for field in model._meta.local_concrete_fields}
    names = names_read(model, model.__str__, set())
    # In the order of the text, each once.
    texts = dict.fromkeys(name for name in names if is_text(fields.get(name)))
    if texts:
        columns = [column(fields[name], connection) for name in texts]
        yield {
            "model": model._meta.label,
            "table": table(model, connection),
            "columns": columns,
        }


def files(model, connection):
    """The columns of the model's own table that name files in a storage."""
    fields = [f for f in model._meta.local_concrete_fields if isinstance(f, models.FileField)]
    if fields:
        yield {
            "model": model._meta.label,
            "table": table(model, connection),
            "columns": [column(field, connection) for field in fields],
        }


def is_text(field):
    return isinstance(field, (models.CharField, models.TextField))


def names_read(model, function, seen):
    """Names of fields and other attributes that a method reads from self.

    Methods and properties that it uses are followed, and constants that name a field (as in
    AbstractBaseUser.get_username(), which is getattr(self, self.USERNAME_FIELD)).
    """
    if function in seen:
        return
    seen.add(function)
    for name in self_attributes(function):
        # From the class's own text: getattr() would run descriptors.
        value = inspect.getattr_static(model, name, None)
        value = value.fget if isinstance(value, property) else value
        if inspect.isfunction(value):
            yield from names_read(model, value, seen)
        else:
            yield value if isinstance(value, str) else name


def self_attributes(function):
    """The attributes of its first parameter that a function's source reads, in order."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return []
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef) or not definition.args.args:
        return []
    reader = AttributeReader(definition.args.args[0].arg)
    reader.visit(definition)
    return reader.names


class AttributeReader(ast.NodeVisitor):
    def __init__(self, owner):
        self.owner = owner
        self.names = []

    def visit_Attribute(self, node):
        if isinstance(node.value, ast.Name) and node.value.id == self.owner:
            self.names.append(node.attr)
        self.generic_visit(node)


# --- caveats: what SQL cannot say ---


def caveat(kind, what, model=None, field=None):
    return {"model": model and model._meta.label, "field": field, "kind": kind, "what": what}


def action_caveats(field):
    label = f"{field.model._meta.label}.{field.name}"
    name = action(field)
    value = written_value(field)
    if name.startswith("OTHER"):
        function = custom_name(on_delete_of(field))
        what = f"{label} runs the project's own {function}() on deletion"
        yield caveat("custom on_delete", what, field.model, field.name)
    elif name == "SET" and is_computed(value):
        what = f"{label} is set to what {name_of(value)}() returns at the time"
        yield caveat("set callable", what, field.model, field.name)
    elif name == "SET_DEFAULT" and is_computed(value):
        what = f"{label} is set to its default, which {name_of(value)}() returns at the time"
        yield caveat("python default", what, field.model, field.name)


def model_caveats(model, connection):
    label = model._meta.label
    overrides = next(owner for owner in model.__mro__ if "delete" in vars(owner))
    if overrides is not models.Model:
        name = name_of(overrides.delete)
        what = f"{name}() runs where {label} itself is deleted, not where a cascade reaches it"
        yield {**caveat("delete override", what, model), "table": table(model, connection)}
    # Collector.related_objects() finds rows through the base manager.
    manager = type(model._base_manager)
    if manager is not models.Manager:
        what = f"Django finds rows of {label} through {name_of(manager)}; rows that it hides stay"
        yield caveat("base manager", what, model)
    tree = next((TREES[name] for name in map(name_of, model.__mro__) if name in TREES), None)
    if tree:
        yield caveat("tree", f"{label} is {tree}", model)
    if not model._meta.managed:
        what = f"{label} is unmanaged: its table and constraints are not Django's"
        yield caveat("unmanaged", what, model)


def signal_caveats(here):
    """The collector sends these for each row, except for those of automatic through tables."""
    senders = {id(model): model for model in here if not model._meta.auto_created}
    for name, signal in (("pre_delete", pre_delete), ("post_delete", post_delete)):
        for receiver, sender in receivers(signal):
            if sender in senders:
                model = senders[sender]
                what = f"{name_of(receiver)} runs on {name} of each {model._meta.label}"
                yield caveat("signal", what, model)
            elif sender == id(None):
                what = f"{name_of(receiver)} runs on {name} of every model's rows"
                yield caveat("signal", what)


def receivers(signal):
    """(function, id of the sender) of what is connected to a signal.

    Entries are ((id of the receiver, id of the sender), receiver, …); Django 5.0 appended a part.
    """
    for (_, sender), receiver, *_ in signal.receivers:
        if isinstance(receiver, weakref.ReferenceType):
            receiver = receiver()
        if receiver is not None:
            yield receiver, sender


def generic_caveats(here, connection):
    if not has_content_types():
        return
    for model in here:
        yield from generic_key_caveats(model, here)
        for relation in generic_relations(model):
            yield from generic_relation_caveats(model, relation, connection)


def generic_key_caveats(model, here):
    for generic_key in generic_foreign_keys(model):
        type_field = model._meta.get_field(generic_key.ct_field)
        if type_field.model is not model:
            continue
        pair = (type_field, model._meta.get_field(generic_key.fk_field))
        parents = [
            parent._meta.label
            for parent in here
            for relation in generic_relations(parent)
            if generic_fields(relation) == pair and not generic_obstacle(parent, relation)
        ]
        names = ", ".join(parents) or "none"
        label = f"{model._meta.label}.{generic_key.name}"
        what = f"{label}: rows stay that name a model without a GenericRelation (with one: {names})"
        yield caveat("generic foreign key", what, model, generic_key.name)


def generic_relation_caveats(model, relation, connection):
    label = f"{model._meta.label}.{relation.name}"
    obstacle = generic_obstacle(model, relation)
    if obstacle:
        yield caveat("generic relation", f"{label} {obstacle}", model, relation.name)
    # UUIDField.get_db_prep_value() leaves out the hyphens where the database has no such type;
    # a text column gets str(), with them.
    stored = {family(model._meta.pk), family(generic_fields(relation)[1])}
    if stored == {"UUIDField", "text"} and not connection.features.has_native_uuid_field:
        what = f"{label}: keys are stored without hyphens, and with them in the rows that name them"
        yield caveat("generic key format", what, model, relation.name)


def database_caveats(everywhere, connection):
    for model in everywhere:
        written = router.db_for_write(model) if settings.DATABASE_ROUTERS else connection.alias
        if written != connection.alias or not router.allow_migrate_model(connection.alias, model):
            what = f"{model._meta.label} lives in another database, which this one cannot reach"
            yield caveat("other database", what, model)


# --- names ---


def table(model, connection):
    return unquoted(model._meta.db_table, connection)


def column(field, connection):
    return unquoted(field.column, connection)


def unquoted(name, connection):
    """A name as the database has it: schema.name where Django was tricked into a schema.

    quote_name() only adds outer quotes, and none where they are there already: both '"a"."b"' and
    'a"."b' come out as "a"."b".
    """
    quoted = connection.ops.quote_name(name)
    quote = quoted[0]  # MariaDB's is another one, and '"a"' is a name with quotes there
    parts = re.findall(f"{quote}((?:[^{quote}]|{quote}{quote})*){quote}", quoted)
    return ".".join(part.replace(quote * 2, quote) for part in parts)


def name_of(thing):
    """module.name of a function or class; partial() and the like have only their text."""
    with contextlib.suppress(AttributeError):
        return f"{thing.__module__}.{thing.__qualname__}"
    return repr(thing)


if __name__ == "__main__":
    main()
