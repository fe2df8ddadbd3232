#!/usr/bin/env python3
"""Put a folder with the configuration into the SSM parameters that the function reads.

    python3 tools/config_push.py DIR PATH [--check COMMAND] [--kms-key KEY] [--advanced] [--yes]

DIR has a file for each part, as docs/configuration.md tells, and PATH, as in /ecs-api/config/, is the function's
ECS_API_CONFIG_PARAMETER. The folder is checked by `COMMAND check-config DIR`; what would change is shown, and nothing is
put before somebody says yes. Accounts are put before the callers that may use them, and taken away after them, so that
what is there in between is a configuration too. `version` comes last.

Needs boto3, and credentials that may ssm:GetParametersByPath, ssm:PutParameter and ssm:DeleteParameter below PATH.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

STANDARD_MAX_BYTES = 4096
"""The most that a standard parameter takes:
https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"""
ATTEMPTS = 10
"""Of a call: SSM takes three changes a second (https://docs.aws.amazon.com/general/latest/gr/ssm.html)."""
VERSION = "version"
NOT_IN_FULL = ("tokensha256", "externalid")
"""The members whose values nobody shall read over somebody's shoulder."""
SHOWN_OF_THEM = 4
ABSENT = object()


class Refused(Exception):
    """Nothing can be put; says why."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter that is there."""

    text: str
    type: str


@dataclasses.dataclass(frozen=True)
class Change:
    """A part that differs: the text to put, or None to delete it."""

    part: str
    before: str | None
    text: str | None

    @property
    def sign(self) -> str:
        """What is done to the part, in a character."""
        if self.text is None:
            return "-"
        return "+" if self.before is None else "~"


def parts_of(folder: Path) -> dict[str, str]:
    """Return the texts of a folder's parts by their names, as `check-config` finds them: none that is hidden."""
    files = [file for pattern in ("*.json", "*/*.json") for file in folder.glob(pattern) if not file.is_dir()]
    paths = {file.relative_to(folder): file for file in files}
    names = {
        str(path.with_suffix("")): file
        for path, file in paths.items()
        if not any(name.startswith(".") for name in path.parts)
    }
    if VERSION in names:
        raise Refused(f"`{names[VERSION]}` is not put: `{VERSION}` is written by this command; delete the file")
    return {name: file.read_text(encoding="utf-8-sig").strip() for name, file in names.items()}


def meaning(text: str | None) -> Any:
    """Return what two texts have in common that mean the same; a text that is no JSON means itself."""
    if text is None:
        return None
    try:
        return "JSON", json.dumps(json.loads(text, object_pairs_hook=without_twins), sort_keys=True)
    except ValueError:
        return "text", text


def without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that names a member twice: the function refuses it too."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a member is named twice")
    return dict(pairs)


def digest(parts: dict[str, str]) -> str:
    """Return the value of `version`: another one for another configuration, and the same for the same."""
    meant = sorted((name, meaning(text)) for name, text in parts.items())
    return json.dumps(hashlib.sha256(json.dumps(meant).encode()).hexdigest()[:16])


def rank(change: Change) -> tuple[int, str]:
    """Return the place of a change in the order that leaves a configuration after each of them, if there is one."""
    folder = change.part.partition("/")[0]
    if change.part == VERSION:
        return 6, ""
    if change.text is None:
        return {"callers": 3, "accounts": 4}.get(folder, 5), change.part
    return {"accounts": 1, "callers": 2}.get(folder, 0), change.part


def changes(wanted: dict[str, str], there: dict[str, Parameter]) -> list[Change]:
    """Return what differs, in the order in which it is put."""
    wanted = wanted | {VERSION: digest(wanted)}
    before = {part: parameter.text for part, parameter in there.items()}
    differing = (
        Change(part, before.get(part), wanted.get(part))
        for part in wanted.keys() | before.keys()
        if meaning(wanted.get(part)) != meaning(before.get(part))
    )
    return sorted(differing, key=rank)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the members of a JSON value that are no objects, by their paths; a list is one value."""
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from leaves(member, f"{path}.{name}" if path else name)
    else:
        yield path, value


def shown(path: str, value: Any) -> str:
    """Return a value as it may be seen."""
    if value is ABSENT:
        return "nothing"
    if path.rpartition(".")[2].casefold() in NOT_IN_FULL:
        each = value if isinstance(value, list) else [value]
        return ", ".join(f"{str(one)[: min(SHOWN_OF_THEM, len(str(one)) // 2)]}…" for one in each)
    return json.dumps(value, ensure_ascii=False)


def details(change: Change) -> Iterator[str]:
    """Yield a line for each member that changes."""
    if change.part == VERSION:
        return
    before, after = (parsed(text) for text in (change.before, change.text))
    if before is None or after is None:
        yield "    what is there is no JSON, and can not be compared"
        return
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path, ABSENT), after.get(path, ABSENT)
        label = f"    {path}: " if path else "    "
        if old is ABSENT:
            yield f"{label}{shown(path, new)}"
        elif new is ABSENT:
            if change.text is not None:
                yield f"{label}{shown(path, old)} → nothing"
        elif meaning(json.dumps(old)) != meaning(json.dumps(new)):
            another = " (another one)" if shown(path, old) == shown(path, new) else ""
            yield f"{label}{shown(path, old)} → {shown(path, new)}{another}"


def parsed(text: str | None) -> dict[str, Any] | None:
    """Return a text's members by their paths: none of an absent text, and None of what is no JSON."""
    if text is None:
        return {}
    try:
        return dict(leaves(json.loads(text)))
    except ValueError:
        return None


@dataclasses.dataclass(frozen=True)
class Store:
    """The parameters below a path."""

    ssm: Any
    path: str
    kms_key: str | None
    advanced: bool

    def read(self) -> dict[str, Parameter]:
        """Return what is there, by the names below the path."""
        pages = self.ssm.get_paginator("get_parameters_by_path").paginate(
            Path=self.path, Recursive=True, WithDecryption=True
        )
        return {
            each["Name"].removeprefix(self.path): Parameter(each["Value"], each["Type"])
            for page in pages
            for each in page["Parameters"]
        }

    def type_of(self, part: str) -> str:
        """Return the type of a parameter that is put; `version` is nobody's secret, and is read most often."""
        return "SecureString" if self.kms_key and part != VERSION else "String"

    def refusal(self, change: Change, there: dict[str, Parameter]) -> str | None:
        """Say why SSM would refuse a change."""
        if change.text is None:
            return None
        name, size = f"{self.path}{change.part}", len(change.text.encode())
        if size > STANDARD_MAX_BYTES and not self.advanced:
            return (
                f"`{name}` would have {size} bytes; a standard parameter takes {STANDARD_MAX_BYTES}: shorten it, or give "
                "ADVANCED=1, for which AWS charges"
            )
        before = there.get(change.part)
        if before and before.type != self.type_of(change.part):
            # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html, HierarchyTypeMismatch
            return (
                f"`{name}` is a {before.type}, and would be put as a {self.type_of(change.part)}, which SSM refuses: "
                f"{'give its key as KMS_KEY' if before.type == 'SecureString' and not self.kms_key else 'delete it first'}"
            )
        return None

    def make(self, change: Change) -> None:
        """Put or delete a parameter."""
        name = f"{self.path}{change.part}"
        if change.text is None:
            try:
                self.ssm.delete_parameter(Name=name)
            except self.ssm.exceptions.ParameterNotFound:
                pass  # somebody has deleted it meanwhile
            return
        more = {"KeyId": self.kms_key} if self.type_of(change.part) == "SecureString" else {}
        if len(change.text.encode()) > STANDARD_MAX_BYTES:
            more["Tier"] = "Advanced"
        self.ssm.put_parameter(Name=name, Value=change.text, Type=self.type_of(change.part), Overwrite=True, **more)


def check(command: str, folder: Path) -> None:
    """Have the program itself check the folder."""
    done = subprocess.run([*shlex.split(command), "check-config", str(folder)], check=False)
    if done.returncode:
        raise Refused(f"`{folder}` is no valid configuration; nothing is put")


def confirm(path: str) -> None:
    """Ask whether to put it."""
    try:
        is_wanted = input(f"Put this below {path}? Only `yes` does it: ").strip() == "yes"
    except EOFError:
        print()
        is_wanted = False
    if not is_wanted:
        raise Refused("nothing is put: nobody said `yes`; YES=1 says it beforehand")


def put(store: Store, differing: list[Change]) -> None:
    """Make the changes one by one; a failure says what is made by then."""
    for done, change in enumerate(differing):
        try:
            store.make(change)
        except (BotoCoreError, ClientError) as error:
            made = ", ".join(f"{each.sign} {each.part}" for each in differing[:done]) or "nothing"
            rest = ", ".join(f"{each.sign} {each.part}" for each in differing[done:])
            raise Refused(
                f"`{store.path}{change.part}`: {error}\n"
                f"made: {made}\n"
                f"not made: {rest}\n"
                "What is made is in force within two minutes, if it is valid without the rest; else the configuration of "
                "before stays in force. The same command again makes the rest."
            ) from error


def push(given: argparse.Namespace) -> None:
    """Check, show, ask and put."""
    if not (given.path.startswith("/") and given.path.endswith("/") and given.path.strip("/")):
        raise Refused(f"the parameter is `{given.path}`; expected a path that begins and ends with `/`, as /ecs-api/config/")
    if not given.folder.is_dir():
        raise Refused(f"`{given.folder}` is no folder")
    check(given.check, given.folder)
    ssm = boto3.client("ssm", config=Config(retries={"mode": "standard", "total_max_attempts": ATTEMPTS}))
    store = Store(ssm, given.path, given.kms_key, given.advanced)
    there = store.read()
    differing = changes(parts_of(given.folder), there)
    if not differing:
        print(f"Nothing differs from what is below {store.path}; nothing is put.")
        return
    print(f"\nBelow {store.path}:")
    for change in differing:
        print(f"  {change.sign} {change.part}")
        for line in details(change):
            print(line)
    refusals = [refusal for change in differing if (refusal := store.refusal(change, there))]
    if refusals:
        raise Refused("\n".join([*refusals, "nothing is put"]))
    if not given.yes:
        confirm(store.path)
        if store.read() != there:
            raise Refused("nothing is put: somebody else has changed the parameters meanwhile; look again")
    put(store, differing)
    print("Put. It is in force within two minutes; the function's log says `configuration: another one is in force`.")


def main() -> None:
    """Push, and end with 1 if it can't be done."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("folder", metavar="DIR", type=Path, help="the folder with the configuration's parts")
    arguments.add_argument("path", metavar="PATH", help="the path of the parameters, as /ecs-api/config/")
    arguments.add_argument("--check", default="cargo run --quiet --locked --", metavar="COMMAND", help="the program")
    arguments.add_argument("--kms-key", metavar="KEY", help="put SecureStrings with this key, as alias/aws/ssm")
    arguments.add_argument("--advanced", action="store_true", help="put what is too large as advanced parameters")
    arguments.add_argument("--yes", action="store_true", help="do not ask")
    sys.stdout.reconfigure(line_buffering=True)
    try:
        push(arguments.parse_args())
    except Refused as reason:
        sys.exit(str(reason))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"the parameters can't be read: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
