"""What the demonstration shows of deployments: one that comes up, one that does not, and the way back by hand.

The fake in front of the local AWS has ECS's service deployments: an image of the tag `broken` never comes up. The
requests are shown as the curl that a user would type, and the demonstration fails where an answer is another one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

Call = Callable[[str, str, str | None], tuple[int, str]]
"""Sends a request of a method, an URL and a body as the demonstration's caller; returns status and body."""

Say = Callable[[str], None]
"""Prints a paragraph."""

ACCEPTED = 202
TRIES = 6
"""How often a deployment is asked for that is not over, 25 seconds each time."""


class Service:
    """A service that ecs-api has made, seen as its callers see it."""

    def __init__(self, url: str, token: str, call: Call, say: Say) -> None:
        self.url = url
        self.token = token
        self.call = call
        self.say = say

    def show(self, created: dict[str, Any]) -> None:
        """Deploy, break it, and go back; leave with a message where something is not as it should be.

        `created` is the answer of the create: the service's PRIMARY deployment has the number of its revision.
        """
        first = created["Service"]["Deployments"][0]["Id"].removeprefix("ecs-svc/")
        self.wait_until_over("What became of the create", first, "succeeded")
        deployed = self.deploy("Another tag, and what became of it", {"tag": "1.29-alpine"}, "succeeded")
        broken = self.deploy("A tag that never comes up: ECS rolls back, and the API says so", {"tag": "broken"}, "rolledBack")
        asked = f"/deployments/{broken['Deployment']}"
        after = self.ask("What was asked for, and what runs", "GET", asked, "{State, Reason, Requested, Running}")
        expect(after["Running"][0]["TaskDefinition"], deployed["TaskDefinition"], "what runs after ECS has rolled back")
        back = self.change("Back by hand, to what ran before", "POST", "/rollback", {}, "succeeded")
        expect(back["TaskDefinition"], deployed["PreviousTaskDefinition"], "what runs after the rollback by hand")

    def deploy(self, title: str, body: dict[str, Any], state: str) -> dict[str, Any]:
        """Change the service, and wait until that has come to `state`."""
        return self.change(title, "PATCH", "", body, state)

    def change(self, title: str, method: str, path: str, body: dict[str, Any], state: str) -> dict[str, Any]:
        """Ask for a deployment, and wait until that has come to `state`."""
        answer = self.ask(title, method, f"{path}?wait=25", "{Changed, Changes, Deployment, State, Reason}", body)
        if answer["State"] == "running":
            self.wait_until_over("Not over yet", answer["Deployment"], state)
        else:
            expect(answer["State"], state, "the state")
        return dict(answer)

    def wait_until_over(self, title: str, deployment: str, state: str) -> None:
        """Ask for a deployment until it is over."""
        for _ in range(TRIES):
            answer = self.ask(title, "GET", f"/deployments/{deployment}?wait=25", "{Id, State, Reason}")
            if answer["State"] != "running":
                return expect(answer["State"], state, "the state")
        return expect("running", state, "the state")

    def ask(self, title: str, method: str, path: str, filter: str, body: dict[str, Any] | None = None) -> Any:
        """Send one request, show it and what `filter` leaves of the answer, and return the answer."""
        url = f"{self.url}{path}"
        text = None if body is None else json.dumps(body)
        words = ["curl", *([f"-X {method}"] if method != "GET" else []), f"-H 'X-Auth-Token: {self.token}'", f"'{url}'"]
        data = [f"-d '{text}'"] if text else []
        self.say(f"{title}\n\n{' '.join([*words, *data])} | jq '{filter}'")
        status, answered = self.call(method, url, text)
        if status not in (200, ACCEPTED):
            sys.exit(f"the request was expected to succeed, and got {status}: {answered}")
        answer = json.loads(answered)
        print(f"\n→ {status}\n{json.dumps(pick(answer, filter), indent=4)}", flush=True)
        return answer


def pick(answer: dict[str, Any], filter: str) -> dict[str, Any]:
    """Return what jq would leave: the members in braces."""
    return {name: answer.get(name) for name in filter.strip("{}").split(", ")}


def expect(found: str, wanted: str, what: str) -> None:
    """Leave with a message unless `found` is what was `wanted`."""
    if found != wanted:
        sys.exit(f"{what} is `{found}`, and `{wanted}` was expected")
