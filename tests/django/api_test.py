#!/usr/bin/env python3
"""API tests of the CRM, as a script against a running server: made to be run again and again.

They use the same names every time, so each run has to take away what it made. Through the API that
fails: deleting a client only archives it, so its deal stays, and a deal protects the user who made
it (Deal.created_by is PROTECT). The first run passes. Every later one finds the administrator's
e-mail taken, cannot clean up either, and fails. With --orgsweep it is orgsweep that cleans up then.

By hand, with a Python that has requirements/5.2.txt:

    export DATABASE_URL=sqlite:/tmp/crm.db
    tests/django/project/manage.py migrate
    tests/django/project/manage.py runserver &
    tests/django/api_test.py http://127.0.0.1:8000 --no-orgsweep
    tests/django/api_test.py http://127.0.0.1:8000 \\
        --orgsweep target/release/orgsweep --root crm_organization
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ORGANIZATION = "Apex Innovations Inc."
ADMINISTRATOR = "admin@apex.example"
SELLER = "marcus.chen@apex.example"
PASSWORD = "correct horse battery staple"


class Unexpected(Exception):
    """The server answered something else."""


@dataclass
class Answer:
    request: str
    status: int
    body: Any

    def expect(self, status: int, *texts: str) -> Any:
        """The body, if the answer has this status and says all of `texts`."""
        said = json.dumps(self.body)
        if self.status != status or any(text not in said for text in texts):
            if isinstance(self.body, dict):
                said = self.body.get("detail", said)
            wanted = " ".join([str(status), *texts])
            raise Unexpected(f"{self.request} answered {self.status}, not {wanted}: {said}")
        return self.body


@dataclass
class Api:
    """The API as one user sees it; as nobody without a token."""

    server: str
    token: str | None = None

    def get(self, path: str) -> Answer:
        return self._ask("GET", path)

    def post(self, path: str, **fields: Any) -> Answer:
        return self._ask("POST", path, fields)

    def delete(self, path: str) -> Answer:
        return self._ask("DELETE", path)

    def register(self) -> Answer:
        return self.post(
            "register", organization=ORGANIZATION, email=ADMINISTRATOR, password=PASSWORD
        )

    def login(self, email: str) -> "Api":
        answer = self.post("login", username=email, password=PASSWORD).expect(200)
        return Api(self.server, answer["token"])

    def _ask(self, method: str, path: str, fields: dict[str, Any] | None = None) -> Answer:
        request = Request(f"{self.server}/api/{path}/", method=method)
        request.add_header("Accept", "application/json")
        if self.token:
            request.add_header("Authorization", f"Token {self.token}")
        if fields is not None:
            request.data = json.dumps(fields).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urlopen(request, timeout=30) as response:
                status, text = response.status, response.read().decode()
        except HTTPError as error:
            status, text = error.code, error.read().decode()
        try:
            body = json.loads(text) if text else None
        except json.JSONDecodeError:
            body = text  # A page of Django's: an error that the API did not expect.
        return Answer(f"{method} {request.selector}", status, body)


def set_up(anyone: Api, fallback: Callable[[], None] | None) -> None:
    """Register the organization, if need be in the place of one that an earlier run left."""
    answer = anyone.register()
    if answer.status == 400 and "already exists" in str(answer.body):
        print(f"{ADMINISTRATOR} already exists: an earlier run did not clean up", flush=True)
        clean_up(anyone, fallback)
        answer = anyone.register()
    answer.expect(201)


def test(anyone: Api) -> None:
    """The first days of an organization, up to its first payment."""
    anyone.register().expect(400, "already exists")
    anyone.get("deals").expect(401)
    admin = anyone.login(ADMINISTRATOR)
    anyone.post("login", username=ADMINISTRATOR, password="a guess").expect(400)
    [organization] = admin.get("organizations").expect(200, ORGANIZATION)
    admin.post("organizations", name="Another one").expect(403)

    role = admin.post("roles", name="Sales").expect(201)
    seller = {"email": SELLER, "password": PASSWORD, "role": role["id"]}
    marcus_id = admin.post("users", **seller).expect(201)["id"]
    admin.post("users", **seller).expect(400, "already exists")

    marcus = anyone.login(SELLER)
    marcus.post("roles", name="Owner").expect(403)
    marcus.delete(f"organizations/{organization['id']}").expect(403)
    client = marcus.post("clients", name="Global Corp").expect(201)
    marcus.post(f"clients/{client['id']}/notes", text="Asks for quarterly invoices").expect(201)

    deal = marcus.post(
        "deals", client=client["id"], amount="12500.00", watchers=[marcus_id]
    ).expect(201, "DLID0001 - Global Corp")
    marcus.post("deals", client=0, amount="1.00").expect(400, "does not exist")
    marcus.post(f"deals/{deal['id']}/notes", text="Signed on paper").expect(201)
    marcus.post("payments", deal=deal["id"], amount="2500.00").expect(201)

    admin.get(f"deals/{deal['id']}").expect(200, '"created"', '"payment recorded"')
    admin.get(f"deals/{deal['id']}/notes").expect(200, "Signed on paper")
    admin.get("payments").expect(200, f'"recorded_by": {marcus_id}')
    admin.delete(f"deals/{deal['id']}").expect(405)


def clean_up_through_api(anyone: Api) -> None:
    """Delete what the tests made, in the order in which it hangs together."""
    admin = anyone.login(ADMINISTRATOR)
    for client in admin.get("clients").expect(200):
        admin.delete(f"clients/{client['id']}").expect(204)
    for user in admin.get("users").expect(200):
        if user["email"] != ADMINISTRATOR:
            admin.delete(f"users/{user['id']}").expect(204)
    for role in admin.get("roles").expect(200):
        admin.delete(f"roles/{role['id']}").expect(204)
    for organization in admin.get("organizations").expect(200):
        admin.delete(f"organizations/{organization['id']}").expect(204)


def clean_up_with_orgsweep(program: str, *arguments: str) -> None:
    """Delete it from the database (DATABASE_URL), and have it verified that nothing is left."""
    for command in (["clean", "--force", "--yes"], ["verify"]):
        subprocess.run([program, *command, "--org-name", ORGANIZATION, *arguments], check=True)


def clean_up(anyone: Api, fallback: Callable[[], None] | None) -> None:
    """Clean up through the API, and where that fails by `fallback`."""
    try:
        clean_up_through_api(anyone)
    except Unexpected as error:
        if fallback is None:
            raise
        print(f"clean-up through the API failed: {error}", flush=True)
        fallback()


def tear_down(anyone: Api, fallback: Callable[[], None] | None) -> None:
    """Clean up. Without a fallback a failure is only a warning, and the next run's problem."""
    try:
        clean_up(anyone, fallback)
    except Unexpected as error:
        print(f"warning: clean-up failed: {error}")


def main() -> int:
    parser = argparse.ArgumentParser(description="API tests of the CRM")
    parser.add_argument("server", help="http://HOST:PORT")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--no-orgsweep", action="store_true", help="the original defect")
    way.add_argument(
        "--orgsweep",
        nargs=argparse.REMAINDER,
        metavar=("PROGRAM", "ARGUMENT"),
        help="clean up by this program where the API cannot; all that follows is for it",
    )
    options = parser.parse_args()

    anyone = Api(options.server)
    command = options.orgsweep or ["orgsweep"]
    fallback = None if options.no_orgsweep else partial(clean_up_with_orgsweep, *command)
    try:
        set_up(anyone, fallback)
        test(anyone)
        print("tests passed", flush=True)
        tear_down(anyone, fallback)
    except (Unexpected, subprocess.CalledProcessError) as error:
        print(f"FAILED: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
