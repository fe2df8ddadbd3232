"""A proxy in front of the local AWS that delays, throttles and refuses calls, and counts them.

    python tests/local_aws/faults.py --upstream http://127.0.0.1:PORT

Starts microburst on a free port of 127.0.0.1, prints one line of JSON on standard output

    {"endpoint": "http://127.0.0.1:PORT"}

and serves until standard input closes or a signal comes. Its rules are set, and the calls they fired on are read,
below `/_microburst/` of the endpoint.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading

from aiohttp import web
from microburst.app import make_app
from microburst.core.pipeline import Microburst

from server import listen


def main() -> None:
    """Serve until the caller is gone."""
    arguments = argparse.ArgumentParser(description="Put a proxy that injects faults in front of a local AWS.")
    arguments.add_argument("--upstream", required=True, help="the local AWS, as printed by server.py")
    given = arguments.parse_args()
    logging.basicConfig(level=logging.WARNING)
    listener = listen(0)
    print(json.dumps({"endpoint": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
    threading.Thread(target=_end_with_input, daemon=True).start()
    proxy = Microburst(given.upstream)
    outbound = proxy.upstream._outbound_headers
    # The caller has signed the host that it sees. microburst would put the upstream's in its place, and an AWS that
    # verifies signatures would refuse every call. (Private, but the version is pinned.)
    proxy.upstream._outbound_headers = lambda request: outbound(request) | {"host": request.host}
    # Its own command takes a port only; a socket that is bound already cannot lose it to another process.
    web.run_app(make_app(proxy), sock=listener, print=None, access_log=None)


def _end_with_input() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
