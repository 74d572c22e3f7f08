"""How soon many open pages hear of a sample, and what that costs the web process.

Usage: PKTMASK_BENCH_PASSWORD=... python -m benchmarks.fanout --url http://127.0.0.1:8000
       [--clients 500] [--deaf 1] [--seconds 60] [--json FILE]

Signs in to a running service, opens so many WebSockets from one process, and notes for each sample
how long after its tick each client heard of it: the time to measure and to store it is included.
``--deaf`` clients subscribe and never read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import time
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from websockets.asyncio.client import ClientConnection, connect

WITHIN_SECONDS = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the result as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fanout", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--deaf", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--web-process", type=int, help="its number, to measure its memory")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    cookie = sign_in(options.url, options.user, os.environ["PKTMASK_BENCH_PASSWORD"])
    result = asyncio.run(_measure(options, cookie))
    text = json.dumps(result, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text)
    return 0


def sign_in(url: str, user: str, password: str) -> str:
    """Return the cookies of a new session."""
    jar = CookieJar()
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar)
    )
    page = opener.open(f"{url}/sign-in/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None, "there is no form to sign in"
    form = {"username": user, "password": password, "csrfmiddlewaretoken": token[1]}
    opener.open(f"{url}/sign-in/", urllib.parse.urlencode(form).encode())
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


async def _measure(options: argparse.Namespace, cookie: str) -> dict[str, Any]:
    address = options.url.replace("http", "ws", 1) + "/live/"
    headers = {"Cookie": cookie, "Origin": options.url}
    heard: dict[str, list[float]] = defaultdict(list)
    memory: list[int] = []
    async with AsyncExitStack() as stack:
        clients = []
        for number in range(options.clients + options.deaf):
            client = await stack.enter_async_context(
                connect(address, additional_headers=headers, max_queue=1, proxy=None)
            )
            await client.send(json.dumps({"subscribe": "service"}))
            if number < options.clients:
                clients.append(client)
        until = time.monotonic() + options.seconds
        listening = [asyncio.create_task(_listen(client, until, heard)) for client in clients]
        while time.monotonic() < until:
            if options.web_process:
                memory.append(psutil.Process(options.web_process).memory_info().rss)
            await asyncio.sleep(1)
        await asyncio.gather(*listening)
    # the first and the last may have been cut off by the beginning and the end
    whole = list(heard.values())[1:-1]
    waits = np.array([wait for each in whole for wait in each])
    expected = options.clients * len(whole)
    return {
        "clients": options.clients,
        "deaf": options.deaf,
        "samples": len(whole),
        "expected": expected,
        "heard": int(waits.size),
        "within_1_s": float((waits <= WITHIN_SECONDS).sum() / expected) if expected else None,
        "p50_ms": round(float(np.quantile(waits, 0.5)) * 1000, 1),
        "p99_ms": round(float(np.quantile(waits, 0.99)) * 1000, 1),
        "longest_ms": round(float(waits.max()) * 1000, 1),
        "web_rss_mb": [round(each / 1e6, 1) for each in memory[:1] + memory[-1:]],
    }


async def _listen(client: ClientConnection, until: float, heard: dict[str, list[float]]) -> None:
    while (left := until - time.monotonic()) > 0:
        try:
            async with asyncio.timeout(left):
                text = await client.recv()
        except TimeoutError:
            return
        now = time.time()
        message = json.loads(text)
        if message["kind"] != "update":
            continue
        for item in message["items"]:
            if item["key"] == "sample":
                heard[item["at"]].append(now - datetime.fromisoformat(item["at"]).timestamp())


if __name__ == "__main__":
    raise SystemExit(main())
