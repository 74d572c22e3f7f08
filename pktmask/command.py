"""The command `pktmask`: captures and the rollout of an installation elsewhere, from a shell.

Who asks is said by the variables PKTMASK_URL and PKTMASK_TOKEN.  A token is never an argument,
since arguments are for everybody on a machine to see.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn
from uuid import UUID

from pktmask import words
from pktmask.client import Client
from pktmask.ended import DONE, NO, USAGE, Ended
from pktmask.form import Form
from pktmask.proofs import ProofError, checked, hold_against, read_keys
from pktmask.saving import save, target_of
from pktmask.waiting import wait_for

INTERRUPTED: Final = 130
EPILOG: Final = """\
PKTMASK_URL is the address of the console, PKTMASK_TOKEN a token of its page API tokens.
Exit codes: 0 done; 1 the answer is no (a capture failed, a file was refused, a proof does not
hold); 2 asked for in a wrong way; 3 not let in; 4 not now, try again later.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked for; return the exit code."""
    asked = parser().parse_args(arguments)
    try:
        code: int = asked.act(asked)
    except Ended as ended:
        for line in str(ended).splitlines():
            sys.stderr.write(f"pktmask: {words.plain(line)}\n")
        return ended.code
    except ProofError as error:
        sys.stderr.write(f"pktmask: {words.plain(str(error))}\n")
        return NO
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # who read this has seen enough
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return DONE
    return code


def script() -> NoReturn:
    """End the process with the exit code."""
    sys.exit(main())


def parser() -> argparse.ArgumentParser:
    """Return what reads the arguments."""
    whole = argparse.ArgumentParser(
        prog="pktmask",
        description="Use a PktMask installation from a shell.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subs = whole.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, act: Callable[[Any], int], text: str) -> argparse.ArgumentParser:
        sub = subs.add_parser(name, help=text, description=text)
        sub.set_defaults(act=act)
        return sub

    as_json = add("whoami", whoami, "Say whose token this is, and what it may do.")
    as_json.add_argument("--json", action="store_true", help="write the whole answer as JSON")
    sub = add("upload", upload, "Upload captures; prints an id for each.")
    sub.add_argument("files", nargs="+", type=Path, metavar="FILE")
    sub.add_argument("--profile", default="standard", help="as on the page (standard)")
    sub.add_argument("--strategy", default="", help="for roles that may choose")
    sub.add_argument("--wait", action="store_true", help="wait until they have ended")
    sub.add_argument("--timeout", type=float, default=3600.0, metavar="SECONDS")
    sub.add_argument("--json", action="store_true", help="write the whole answer as JSON")
    sub = add("status", status, "Say where captures stand.")
    sub.add_argument("captures", nargs="+", type=UUID, metavar="ID")
    sub.add_argument("--json", action="store_true", help="write the whole answers as JSON lines")
    sub = add("wait", wait, "Wait until captures have ended; 1 when one has no result.")
    sub.add_argument("captures", nargs="+", type=UUID, metavar="ID")
    sub.add_argument("--timeout", type=float, default=3600.0, metavar="SECONDS")
    sub.add_argument("--json", action="store_true", help="write the whole answers as JSON lines")
    sub = add("report", report, "Say what a run reported.")
    sub.add_argument("capture", type=UUID, metavar="ID")
    sub.add_argument("--json", action="store_true", help="write the whole answer as JSON")
    for name, act, text in (
        ("download", download, "Download a trimmed capture."),
        ("proof", proof, "Download the proof of sanitisation of a capture."),
    ):
        sub = add(name, act, text)
        sub.add_argument("capture", type=UUID, metavar="ID")
        sub.add_argument("-o", "--output", default="", metavar="FILE", help="where to")
        sub.add_argument("--force", action="store_true", help="also where a file is already")
    sub = add("rollout", rollout, "Say where the rollout stands.")
    sub.add_argument("--json", action="store_true", help="write the whole answer as JSON")
    sub = add("verify-proof", verify_proof, "Say whether a proof of sanitisation holds.")
    sub.add_argument("file", type=Path, metavar="FILE")
    sub.add_argument("--key", default="", metavar="KEYS", help=KEY_HELP)
    sub.add_argument("--capture", type=Path, metavar="FILE", help="the trimmed capture it is of")
    return whole


KEY_HELP: Final = (
    "the public keys: the file /proof-keys.json of the installation, or one key in base64; "
    "by default those that PKTMASK_URL tells now"
)


def whoami(asked: argparse.Namespace) -> int:
    """Say whose token this is."""
    return _say(asked, client().get("token"), words.of_token)


def upload(asked: argparse.Namespace) -> int:
    """Upload, and wait where that is asked for."""
    fields = {"profile": asked.profile}
    if asked.strategy:
        fields["strategy"] = asked.strategy
    here = client()
    told = here.upload(Form(fields, asked.files))
    _say(asked, told, words.of_upload)
    for each in told["refused"]:
        sys.stderr.write(f"pktmask: {words.plain(each['name'])}: {words.plain(each['reason'])}\n")
    code = NO if told["refused"] else DONE
    if asked.wait:
        ids = [each["capture"] for each in told["accepted"]]
        code = max(code, _wait(asked, here, ids))
    return code


def status(asked: argparse.Namespace) -> int:
    """Say where captures stand."""
    here = client()
    for each in asked.captures:
        _say(asked, here.get(f"captures/{each}"), words.of_capture)
    return DONE


def wait(asked: argparse.Namespace) -> int:
    """Wait for captures."""
    return _wait(asked, client(), [str(each) for each in asked.captures])


def _wait(asked: argparse.Namespace, here: Client, captures: Sequence[str]) -> int:
    def ask(capture: str) -> dict[str, Any]:
        found: dict[str, Any] = here.get(f"captures/{capture}")
        return found

    code = DONE
    for told in wait_for(captures, ask, asked.timeout, time.monotonic, time.sleep):
        _say(asked, told, words.of_capture)
        if not told["has_result"] or told["in_quarantine"]:
            code = NO
    return code


def report(asked: argparse.Namespace) -> int:
    """Say what a run reported."""
    return _say(asked, client().get(f"captures/{asked.capture}/report"), words.of_report)


def download(asked: argparse.Namespace) -> int:
    """Download a result."""
    with client().open(f"captures/{asked.capture}/result") as answer:
        target = target_of(answer.headers, asked.output, f"{asked.capture}.pcap")
        count = save(answer, target, force=asked.force)
    _write([f"{target}: {count} bytes"])
    return DONE


def proof(asked: argparse.Namespace) -> int:
    """Download a proof."""
    with client().open(f"captures/{asked.capture}/proof") as answer:
        target = Path(asked.output or f"{asked.capture}.proof.json")
        save(answer, target, force=asked.force)
    _write([str(target)])
    return DONE


def rollout(asked: argparse.Namespace) -> int:
    """Say where the rollout stands."""
    return _say(asked, client().get("rollout"), words.of_rollout)


def verify_proof(asked: argparse.Namespace) -> int:
    """Verify a proof, and that a capture is the one it is of."""
    text = _text_of(asked.file)
    try:
        keys = read_keys(_keys(asked.key))
    except ProofError as error:
        raise Ended(USAGE, str(error)) from None
    statement = checked(text, keys)
    if asked.capture is not None:
        try:
            hold_against(statement, asked.capture)
        except OSError as error:
            raise Ended(USAGE, f"{asked.capture} cannot be read: {error.strerror}.") from None
    _write(words.of_proof(statement))
    return DONE


def client(environ: Mapping[str, str] = os.environ) -> Client:
    """Return who asks, by the variables."""
    allows_http = environ.get("PKTMASK_ALLOW_HTTP", "") == "1"
    token = environ.get("PKTMASK_TOKEN", "").strip()
    return Client(environ.get("PKTMASK_URL", "").strip(), token, allows_http=allows_http)


def _keys(wanted: str) -> str:
    if not wanted:
        return client().public("/proof-keys.json")
    path = Path(wanted)
    # base64 may have a slash in it, but names no file that there is
    return _text_of(path) if path.is_file() or wanted.endswith(".json") else wanted


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise Ended(USAGE, f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Ended(USAGE, f"{file} is no text.") from None


def _say(asked: argparse.Namespace, told: Any, lines: Callable[[Any], Iterable[str]]) -> int:
    _write([json.dumps(told)] if asked.json else lines(told))
    return DONE


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(words.plain(line) + "\n")
    sys.stdout.flush()
