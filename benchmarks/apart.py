"""Measurements in a process of their own, and the memory that a process holds."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

IMPORT = f"import sys\nsys.path.append({str(Path(__file__).parent)!r})\n"


def apart(script: str, *arguments: object) -> Any:
    """Run a script, which can import this module, and return the JSON that it prints."""
    command = [sys.executable, "-c", IMPORT + script, *map(str, arguments)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout)


def megabytes(field: str) -> float:
    """Return VmRSS, VmHWM or RssAnon of this process in millions of bytes."""
    with open("/proc/self/status") as status:
        kibibytes = next(int(line.split()[1]) for line in status if line.startswith(field))
    return kibibytes * 1024 / 1e6
