"""With the app whose deletions no policy file can express; it is read, never filled."""

from actions.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.auth", "oddities"]  # noqa: F405
DATABASES["logs"] = DATABASES["default"]  # noqa: F405
DATABASE_ROUTERS = ["oddities.routers.LogRouter"]
