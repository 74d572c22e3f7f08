"""Hold what is pinned against known vulnerabilities: ``dependencies.py PIP_AUDIT FILE...``.

Exit code 1 for a vulnerability.  Where the service that knows them cannot be asked, or does not
know a package, that is said, and is a failure (2) with REQUIRE_AUDIT=1 only: a machine without a
network can do its other work, and nobody takes silence for an answer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

SHOWN = 5


def judged(found: Mapping[str, Any] | None) -> tuple[int, list[str]]:
    """Return a code and lines for what pip-audit found, None where it found out nothing."""
    if found is None:
        return 2, ["NOT AUDITED: the service of vulnerabilities did not answer."]
    packages = found["dependencies"]
    lines = [
        f"{each['name']} {each['version']}: {vulnerability['id']}, fixed in "
        f"{', '.join(vulnerability['fix_versions']) or 'no version'}"
        for each in packages
        for vulnerability in each.get("vulns", ())
    ]
    unknown = [each["name"] for each in packages if "skip_reason" in each]
    if unknown:
        named = ", ".join(unknown[:SHOWN]) + (", ..." if len(unknown) > SHOWN else "")
        of_all = f"{len(unknown)} of {len(packages)} packages"
        lines.append(f"NOT AUDITED: {of_all} are not known to the service: {named}")
    if any("vulns" in each and each["vulns"] for each in packages):
        return 1, lines
    if unknown or not packages:
        return 2, lines or ["NOT AUDITED: there is no package."]
    return 0, [f"{len(packages)} packages, no known vulnerability"]


def asked(pip_audit: str, file: str) -> Mapping[str, Any] | None:
    """Ask for one file of pinned packages; nothing is installed or resolved."""
    options = ["--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    done = subprocess.run(
        [pip_audit, "-r", file, *options, "--timeout", "30", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found: Mapping[str, Any] = json.loads(done.stdout)
    except ValueError:
        sys.stderr.write(done.stderr[-2000:])
        return None
    return found


def main(arguments: Sequence[str]) -> int:
    """Audit each file; return the worst code."""
    pip_audit, *files = arguments
    codes = []
    for file in files:
        code, lines = judged(asked(pip_audit, file))
        codes.append(code)
        sys.stdout.writelines(f"{file}: {line}\n" for line in lines)
    if 1 in codes:
        return 1
    return 2 if 2 in codes and os.environ.get("REQUIRE_AUDIT") == "1" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
