"""What can come of a call to the store, as errors, sorted by what the caller does next.

* StoreError
  x Unreachable   no usable answer: the script may or may not have run. Ask the record again, never assume.
  x Unwritable    the server refused (out of memory, read-only, loading): nothing was written. Try later.
  x Unkept        written, but not known to be on disk: do not say yes. The same request may be repeated.
"""

from typing import Literal

Rewritten = Literal["done", "going_on", "failed", "off", "not_allowed"]
"""What became of the wish to write the append-only file anew; `off`: there is none."""


class StoreError(Exception):
    """Something is wrong between us and the store."""


class Unreachable(StoreError):
    """No usable answer came; whether the script ran is unknown."""


class Unwritable(StoreError):
    """The server answered that it cannot write now; nothing was written."""


class Unkept(StoreError):
    """The write was answered, but not confirmed to be on disk."""
