"""Buckets on an S3 server of the tests' own, and servers that do something wrong."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pktmask_site.scaling import Bucket, captures_storage

ACCESS_KEY, SECRET_KEY = "an-access-key", "a-secret-key"
_numbers = itertools.count(1)


@contextmanager
def object_server() -> Iterator[str]:
    """Run an S3 server in this process; give its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def bucket_at(endpoint: str, name: str = "") -> Bucket:
    """Return a bucket that is not made yet."""
    return Bucket(
        name=name or f"captures-{next(_numbers)}",
        endpoint=endpoint,
        public_endpoint="",
        region="us-east-1",
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
    )


def storage_of(bucket: Bucket, **options: Any) -> Any:
    """Return the storage over a bucket as settings make it, with other ``options``."""
    from trimming.object_storage import ObjectStorage

    return ObjectStorage(**{**captures_storage(bucket)["OPTIONS"], **options})


@contextmanager
def server_that(
    answers: Callable[[socket.socket], None], hears: Callable[[bytes], object] = bool
) -> Iterator[str]:
    """Give the address of a server that does with each connection what ``answers`` does.

    ``hears`` is given the first bytes of each request.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    hears(connection.recv(1 << 16))
                    answers(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        host, port = listening.getsockname()
        try:
            yield f"http://{host}:{port}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)
