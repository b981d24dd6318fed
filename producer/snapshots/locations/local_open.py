"""Opens a file of this machine if it is still the one that was found: a regular file, at that very place.

Between a look and an opening, somebody who may write there could put a link to elsewhere in its place, or a pipe that never
ends. So what counts is what was opened, not what its name said before.
"""

import os
import stat
import sys
from pathlib import Path

import pyarrow as pa

from producer.snapshots.errors import Missing, SnapshotChanged, Unsupported


def open_local(file: Path) -> pa.NativeFile:
    """Open a file by its resolved path. Raises Missing, Unsupported (no regular file) and Changed (a link by now)."""
    try:
        # Without waiting, since a pipe would have us wait for whoever writes into it; and not through a link, which is all
        # that can be seen to where the system does not tell where an open file lies.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if file.is_symlink():
            raise SnapshotChanged(f"{file}: it became a link while the run was reading it") from error
        raise Missing(f"{file}: cannot be opened ({error.strerror or 'no such file'})") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unsupported(f"{file}: not a regular file")
        if _place(descriptor) not in {None, str(file), f"{file} (deleted)"}:
            raise SnapshotChanged(f"{file}: a directory above it became a link while the run was reading it")
        return pa.OSFile(f"/dev/fd/{descriptor}")
    except OSError as error:
        raise Missing(f"{file}: cannot be opened ({error.strerror or 'no such file'})") from error
    finally:
        os.close(descriptor)


def _place(descriptor: int) -> str | None:
    """Return where an open file really lies, or None where the system does not tell."""
    if sys.platform != "linux":
        return None
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())
