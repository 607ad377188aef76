"""Atomic writes: a file is whole or not there, whatever happens while it is written."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path


def write_whole(file: Path, *contents: bytes | memoryview) -> None:
    """Write beside the file's name, flush to the disk, rename.

    Raises
    ------
    OSError
        If that fails; a file that was there before is then as it was.
    """
    if not file.name or file.is_dir():
        raise IsADirectoryError(f"'{file}' is a folder, and a name in it is wanted")
    if not file.parent.is_dir():
        raise FileNotFoundError(f"'{file}' cannot be written: there is no folder '{file.parent}'")
    # Nobody else's, and of those that write at once each has its own.
    part = file.with_name(f"{file.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with part.open("xb") as stream:
            for content in contents:
                stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the new name must survive a crash of the machine too
        folder = os.open(file.parent, os.O_RDONLY)
        with suppress(OSError):  # not every file system can
            os.fsync(folder)
        os.close(folder)
