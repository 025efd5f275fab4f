"""A project for tests of deletion; ORGSWEEP_DJANGO_DATABASE names its database by URL."""

import os
from urllib.parse import unquote, urlsplit

import pymysql


def database(url):
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.partition(":")[2]}
    if parts.scheme == "mysql":
        # Pure Python, so that no compiler and no client library are needed.
        pymysql.install_as_MySQLdb()
    return {
        "ENGINE": f"django.db.backends.{'mysql' if parts.scheme == 'mysql' else 'postgresql'}",
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "NAME": parts.path.lstrip("/"),
    }


DATABASES = {"default": database(os.environ.get("ORGSWEEP_DJANGO_DATABASE", "sqlite::memory:"))}
INSTALLED_APPS = ["django.contrib.contenttypes", "crm"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "for tests only"
USE_TZ = True


class NoMigrations:
    """Tables are made from the models: migrate --run-syncdb."""

    def __contains__(self, app):
        return True

    def __getitem__(self, app):
        return None


MIGRATION_MODULES = NoMigrations()
