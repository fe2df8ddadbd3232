"""Run a command that cannot outlive whoever asked for it.

    python tests/local_aws/leash.py COMMAND [ARGUMENT ...]

The caller holds the other end of our standard input and never writes to it. The command and everything
it started are ended (TERM, then KILL) when that input closes, when the caller is gone, or on TERM, INT or
HUP. A closed pipe is the one signal that also arrives when the caller was killed with `kill -9`. If the
command ends first, its descendants are ended too and its exit code becomes ours.

`server.py` makes the same promise with `spawn`, `hold` and `end`; `kept` is the caller's side of it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

PATIENCE_SECONDS = 5.0
"""How long TERM may take before KILL follows."""

_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>
_PR_SET_CHILD_SUBREAPER = 36


class Signalled(SystemExit):
    """We were told to end, by TERM, INT or HUP."""


def spawn(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """Start `command` in a process group of its own, bound to this process as tightly as the system allows."""
    if sys.platform == "linux":
        # Descendants that leave the group (setsid) come back to us when their parent ends.
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        # For the case that we ourselves are killed with -9; the group's leader goes with us.
        options["preexec_fn"] = lambda: _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(command, start_new_session=True, **options)


def hold(child: subprocess.Popen[Any]) -> None:
    """Return when `child` has ended, our standard input has closed, or our parent has gone."""
    caller = os.getppid()
    released = threading.Event()
    for wait in (_input_closed, child.wait):
        threading.Thread(target=_then, args=(wait, released), daemon=True).start()
    while not released.wait(0.5) and os.getppid() == caller:
        pass


def end(child: subprocess.Popen[Any]) -> None:
    """End `child`, its group, and whatever escaped from the group. It must be our only child."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        told: set[int] = set()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while left := _left_of(child):
            for pid in left - told:
                _tell(pid, sign, group=pid == child.pid)
            told |= left
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)


@contextlib.contextmanager
def kept(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """Run a `command` that watches its standard input (this file, `server.py`) for as long as the block lasts."""
    # A session of its own: the terminal's Ctrl-C is ours to handle, in our order.
    child = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, **options)
    try:
        yield child
    finally:
        assert child.stdin is not None
        child.stdin.close()
        child.wait()


def stand_apart() -> None:
    """Leave the caller's process group: whoever kills that as a whole must not get us before we have cleaned up."""
    with contextlib.suppress(PermissionError):  # the leader of a group is apart already
        os.setsid()


@contextlib.contextmanager
def leaving_on_signals() -> Iterator[None]:
    """Turn TERM, INT and HUP into `Signalled`, so that every `with` and `finally` on the way out runs."""

    def leave(number: int, _frame: object) -> NoReturn:
        for sign in _ENDING_SIGNALS:  # a second one must not interrupt the cleaning up
            signal.signal(sign, signal.SIG_IGN)
        raise Signalled(128 + number)

    before = {sign: signal.signal(sign, leave) for sign in _ENDING_SIGNALS}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def _left_of(child: subprocess.Popen[Any]) -> set[int]:
    """Return the processes that still have to end, after burying those that did."""
    child.poll()
    if sys.platform != "linux":
        return {child.pid} if _group_lives(child.pid) else set()
    left = set()
    for pid in _children():
        if pid != child.pid:
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0]:
                    continue
        elif child.returncode is not None:
            continue
        left.add(pid)
    return left


def _children() -> set[int]:
    """Return our own children, adopted ones included."""
    lists = Path("/proc/self/task").glob("*/children")
    return {int(pid) for each in lists for pid in each.read_text().split()}


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _tell(pid: int, sign: signal.Signals, *, group: bool) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        (os.killpg if group else os.kill)(pid, sign)


def _input_closed() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass


def _then(wait: Any, released: threading.Event) -> None:
    with contextlib.suppress(OSError):
        wait()
    released.set()


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def main() -> int:
    """Run the command given on the command line."""
    if len(sys.argv) < 2:
        sys.exit("usage: leash.py COMMAND [ARGUMENT ...]")
    stand_apart()
    with leaving_on_signals():
        try:
            child = spawn(sys.argv[1:])
        except OSError as error:
            sys.exit(f"leash: cannot start `{sys.argv[1]}`: {error.strerror}")
        try:
            hold(child)
        finally:
            end(child)
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
