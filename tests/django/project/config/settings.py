"""Settings of a CRM that only tests run: nothing here is secret, or fit for production."""

import os
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql


def database(url: str) -> dict[str, Any]:
    """Read the URLs that orgsweep reads as well: `sqlite:PATH`, `postgres://…` and `mysql://…`."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": unquote(parts.path)}
    if parts.scheme == "mysql":
        # Pure Python, so that no compiler and no client library are needed.
        pymysql.install_as_MySQLdb()
    return {
        "ENGINE": f"django.db.backends.{'mysql' if parts.scheme == 'mysql' else 'postgresql'}",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
    }


SECRET_KEY = "for tests only"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
USE_TZ = True
ROOT_URLCONF = "config.urls"

DATABASES = {"default": database(os.environ.get("CRM_DATABASE") or os.environ["DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework.authtoken",
    "crm",
]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]

AUTH_USER_MODEL = "crm.User"
# Every run of the API tests makes and checks passwords: slow hashes would be most of its time.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "crm.views.exception_handler",
}
