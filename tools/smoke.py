#!/usr/bin/env python3
"""Ask a deployed ecs-api some questions, change nothing, and say of each answer that is wrong where to look.

    TOKEN=… python3 tools/smoke.py URL [--origin ORIGIN]

URL is the stack's output ApiUrl, with or without `/v1/ecs`; TOKEN a caller's, one that may only read will do. With
ORIGIN, a page's of the configuration's `corsOrigins`, it is asked whether that page is let in. Ends with 1 if anything
is wrong.

Python's standard library alone, so that it runs wherever there is Python 3.10.
"""

from __future__ import annotations

import argparse
import dataclasses
import http.client
import json
import os
import socket
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

BASE = "/v1/ecs"
TIMEOUT_SECONDS = 30
PROBLEM = "application/problem+json"
PROBLEM_MEMBERS = ("type", "title", "status", "detail", "code", "requestId", "retryable")
NOBODY = "smoke-no-such-account"
"""An account that no configuration has."""
NOT_LOOKED_AT = "Network"
"""The check of what readiness never looks at, so that it makes no account unready."""


class Unreachable(Exception):
    """There is nothing at the URL that speaks HTTP; says why, and where to look."""


class EveryAnswer(urllib.request.HTTPErrorProcessor):
    """Take every answer for one: a problem is no exception, and a redirection is not followed, which would take the token
    elsewhere. The API has none."""

    def http_response(self, _request: Any, response: Any) -> Any:
        """Leave the response as it is."""
        return response

    https_response = http_response


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def type(self) -> str:
        """The media type without its parameters."""
        return (self.headers.get("content-type") or "").partition(";")[0].strip()

    @property
    def json(self) -> Any:
        """The body as JSON; None if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def said(self) -> str:
        """What the answer says of itself, in a line."""
        text = self.json
        told = text.get("detail") or text.get("message") if isinstance(text, dict) else None
        shown = told if isinstance(told, str) else self.body[:120].decode(errors="replace")
        return f"{self.status} {' '.join(shown.split())}".strip()


@dataclasses.dataclass
class Stack:
    """A deployed stack, and what is known of it."""

    url: str
    token: str
    wrong: int = 0

    def ask(self, path: str, *, method: str = "GET", known: bool = True, **headers: str) -> Answer:
        """Send a request, with the token if `known`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if known:
            given["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(f"{self.url}{BASE}{path}", method=method, headers=given)
        try:
            with urllib.request.build_opener(EveryAnswer).open(request, timeout=TIMEOUT_SECONDS) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise Unreachable(where_unreachable(reason)) from error

    def tell(self, what: str, wrong: str | None = None, look: str = "") -> bool:
        """Print a line, and tell whether it is a good one."""
        if wrong is None:
            print(f"ok     {what}")
            return True
        self.wrong += 1
        print(f"WRONG  {what}: {wrong}")
        if look:
            print(f"       look: {look}")
        return False


def where_unreachable(reason: object) -> str:
    """Say why there is no connection, and where to look."""
    if isinstance(reason, socket.gaierror):
        look = "is URL the output ApiUrl, and with a domain of yours, is its record there?"
        return f"the name does not resolve ({reason}); look: {look}"
    if isinstance(reason, ssl.SSLError):
        return f"no TLS ({reason}); look: does the certificate CertificateArn hold for this name?"
    if isinstance(reason, TimeoutError):
        return (
            f"no answer in {TIMEOUT_SECONDS} s; look: the function's log, for an invocation that has ended by timeout"
        )
    if isinstance(reason, http.client.HTTPException) and not isinstance(reason, OSError):
        return f"no HTTP ({reason!r}); look: is URL the output ApiUrl, with its https:// or http://?"
    return f"no connection ({reason}); look: is URL the output ApiUrl, and reached from here?"


def where_no_answer(answer: Answer) -> str:
    """Say where to look if something before the function has answered."""
    if answer.status in (500, 502, 503) and answer.type == "application/json":
        return (
            "the function's log, /aws/lambda/FUNCTION: it does not start (an invalid configuration says so), is of "
            "another architecture, or is throttled; docs/operations.md, the alarms errors and throttled"
        )
    if answer.status in (401, 403):
        return "a gateway or a firewall refuses what needs no caller: are the stack's routes of their own for it there?"
    if answer.status == 404:
        return "is URL the output ApiUrl, without a path or with /v1/ecs?"
    return "is this ecs-api at all?"


def check_version(stack: Stack) -> bool:
    """Tell whether there is an ecs-api, and which."""
    pong = stack.ask("/ping", known=False)
    if pong.status != 200 or pong.body.strip() != b"pong":
        return stack.tell("ping", pong.said, where_no_answer(pong))
    answer = stack.ask("/version", known=False)
    version = answer.json
    if answer.status != 200 or not isinstance(version, dict) or not version.get("version"):
        return stack.tell("version", answer.said, where_no_answer(answer))
    return stack.tell(
        f"version {version['version']}, commit {version.get('githash')}, built {version.get('buildstamp')}"
    )


def check_documents(stack: Stack) -> None:
    """Tell whether the description and its page are served."""
    for path, media_type in (("/openapi.json", "application/json"), ("/docs", "text/html")):
        answer = stack.ask(path, known=False, Accept_Encoding="gzip")
        is_served = answer.status == 200 and answer.type == media_type
        stack.tell(
            path, None if is_served else f"{answer.status} of {answer.type or 'no type'}", where_no_answer(answer)
        )


def check_errors(stack: Stack) -> None:
    """Tell whether nobody gets in without a token, and whether errors are problems."""
    answer = stack.ask(f"/{NOBODY}/clusters", known=False)
    if answer.status in (401, 403) and answer.type != PROBLEM:
        stack.tell("a request without a token is refused (by the gateway)")
        return
    problem = answer.json if answer.type == PROBLEM else None
    if answer.status != 401:
        stack.tell(
            "a request without a token",
            f"expected a 401, got {answer.said}",
            "the configuration's `callers`, and who else may use DirectArn or GatewayArn",
        )
    elif not isinstance(problem, dict) or any(member not in problem for member in PROBLEM_MEMBERS):
        stack.tell(
            "the shape of errors",
            f"{PROBLEM} with {', '.join(PROBLEM_MEMBERS)} expected, got {answer.type} {answer.said}",
            "does something between here and the function rewrite answers?",
        )
    elif answer.headers.get("x-request-id") != problem["requestId"]:
        stack.tell(
            "the shape of errors",
            "X-Request-Id is not the problem's requestId",
            "does something between here and the function drop headers?",
        )
    else:
        stack.tell("a request without a token is refused, with a problem that names its request")


def check_cors(stack: Stack, origin: str | None) -> None:
    """Tell whether browsers are let in that shall be, and no others."""
    foreign = "https://smoke.invalid"
    answer = stack.ask("/ping", method="OPTIONS", known=False, Origin=foreign, Access_Control_Request_Method="GET")
    allowed = answer.headers.get("access-control-allow-origin")
    if allowed in ("*", foreign):
        stack.tell(
            "CORS",
            f"any page is let in ({allowed})",
            "CORS is the function's alone, by `corsOrigins`: has the gateway got one of its own?",
        )
    elif answer.status != 204:
        stack.tell("CORS", f"a preflight request is answered {answer.said}", "the stack's route `OPTIONS /{proxy+}`")
    else:
        stack.tell("CORS: a page of elsewhere is not let in")
    if origin:
        answer = stack.ask("/ping", method="OPTIONS", known=False, Origin=origin, Access_Control_Request_Method="GET")
        allowed = answer.headers.get("access-control-allow-origin")
        stack.tell(
            f"CORS: {origin} is let in",
            None if allowed == origin else f"Access-Control-Allow-Origin is {allowed}",
            "`corsOrigins` of the configuration, letter by letter: scheme and port, no slash at the end",
        )


def check_accounts(stack: Stack) -> None:
    """Tell which accounts the token may use, and whether each is ready."""
    answer = stack.ask("/accounts")
    accounts = answer.json
    if answer.status in (401, 403):
        stack.tell(
            "the token",
            answer.said,
            "the configuration has the token's SHA-256 as a caller's `tokenSha256` (docs/configuration.md); with "
            "AuthMode iam or jwt a token alone does not get in",
        )
        return
    if answer.status == 404 and answer.type == PROBLEM:
        stack.tell("accounts", answer.said, "the stack is older than this script: deploy, or take its commit's script")
        return
    if answer.status != 200 or not isinstance(accounts, list):
        stack.tell("accounts", answer.said, where_no_answer(answer))
        return
    if not accounts:
        stack.tell("accounts", "the token's caller has a grant for none", "`grants` of the caller in the configuration")
        return
    stack.tell("accounts: " + ", ".join(f"{each['Name']} ({each['Access']})" for each in accounts))
    for each in accounts:
        check_account(stack, each["Name"])


def check_account(stack: Stack, name: str) -> None:
    """Tell whether an account can take a create; of a stack that does not know, whether it can be reached at all."""
    account = urllib.parse.quote(name, safe="")
    answer = stack.ask(f"/{account}/readiness")
    if answer.status == 404 and answer.type == PROBLEM:
        answer = stack.ask(f"/{account}/clusters?limit=1")
        if answer.status == 200 and isinstance(answer.json, list):
            stack.tell(f"account {name} is reached; the stack is older than this script, and knows no readiness")
            return
    checks = answer.json.get("Checks") if isinstance(answer.json, dict) else None
    if answer.status != 200 or not isinstance(checks, list):
        request = answer.headers.get("x-request-id")
        stack.tell(
            f"account {name}",
            answer.said,
            f"the line of request {request} in the function's log; docs/operations.md, the alarm faults",
        )
        return
    # What can't be seen has no `Ok`; if a create needs it, the account is not ready.
    is_ready = answer.json.get("Ready")
    failed = [check for check in checks if not check.get("Ok", is_ready) and check["Name"] != NOT_LOOKED_AT]
    for check in failed:
        stack.tell(f"account {name}, {check['Name']}", check.get("Detail") or "not well", check.get("Fix") or "")
    if not failed:
        stack.tell(f"account {name} is ready: {len(checks)} checks")


def main() -> None:
    """Ask, tell, and end with 1 if anything is wrong."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("url", metavar="URL", help="the stack's output ApiUrl")
    arguments.add_argument("--origin", help="a page's origin that the configuration's `corsOrigins` names")
    given = arguments.parse_args()
    url = given.url.rstrip("/").removesuffix(BASE)
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        arguments.error(f"URL is `{given.url}`; it begins with https://")
    token = os.environ.get("TOKEN", "")
    if not token:
        arguments.error("the environment has no TOKEN, a caller's; an argument is seen by everybody on the machine")
    stack, started = Stack(url, token), time.monotonic()
    try:
        if check_version(stack):
            check_documents(stack)
            check_errors(stack)
            check_cors(stack, given.origin)
            check_accounts(stack)
    except Unreachable as reason:
        what, _, look = str(reason).partition("; look: ")
        stack.tell(url, what, look)
    except KeyboardInterrupt:
        sys.exit(130)
    print(f"{'nothing is' if not stack.wrong else stack.wrong} wrong, in {time.monotonic() - started:.1f} s")
    sys.exit(1 if stack.wrong else 0)


if __name__ == "__main__":
    main()
