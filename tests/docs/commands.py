"""Commands of ``manage.py`` without the second that each start of Django takes.

A process that has started it once forks one for each command, with the streams, the folder and the
environment of who asks.  ``python commands.py SOCKET ARGUMENT...`` asks; nothing is imported there.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path

MOST_BYTES = 1_000_000


def ask(path: str, arguments: list[str]) -> int:
    """Have a command run; return its exit code."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(path)
        told = json.dumps([arguments, str(Path.cwd()), dict(os.environ)]).encode()
        socket.send_fds(asking, [told], [0, 1, 2])
        asking.shutdown(socket.SHUT_WR)
        return int(asking.recv(16) or b"70")


def serve(path: str) -> None:
    """Start Django, then run what is asked for, until killed."""
    import django
    from django.core.management import execute_from_command_line

    from pktmask_site.processes import die_with_parent

    die_with_parent(os.getppid())
    django.setup()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        while True:
            asking, _ = listening.accept()
            if os.fork():
                asking.close()
                continue
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            told, streams, _, _ = socket.recv_fds(asking, MOST_BYTES, 3)
            while more := asking.recv(MOST_BYTES):
                told += more
            arguments, folder, environ = json.loads(told)
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(environ)
            sys.argv = ["manage.py", *arguments]
            code: object = 0
            try:
                execute_from_command_line(sys.argv)
            except SystemExit as ended:
                code = ended.code or 0
            except BaseException:
                import traceback

                traceback.print_exc()
                code = 1
            sys.stdout.flush()
            sys.stderr.flush()
            asking.sendall(str(code if isinstance(code, int) else 1).encode())
            os._exit(0)


if __name__ == "__main__":
    if sys.argv[2:] == ["--serve"]:
        serve(sys.argv[1])
    sys.exit(ask(sys.argv[1], sys.argv[2:]))
