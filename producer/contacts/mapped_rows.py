"""What becomes of a row on its way to ActiveCampaign: a contact, or the reason why there is none."""

from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt


class RowFault(StrEnum):
    """Why a row is no contact; the closed set of codes that rejects of the fate `invalid` carry."""

    EMAIL_MISSING = "email_missing"
    EMAIL_INVALID = "email_invalid"
    EMAIL_TOO_LONG = "email_too_long"
    TOO_LARGE = "too_large"


UNREADABLE: Final = frozenset({RowFault.EMAIL_MISSING, RowFault.EMAIL_INVALID, RowFault.EMAIL_TOO_LONG})
"""Faults of rows that do not say by an address whose they are."""


class MappedRows(NamedTuple):
    """
    A contact: `row` counts from 1 over the whole snapshot, `json` is its part of an import request.

    A phone that is no telephone number is left out, and `phone_left_out` says so. `fingerprint` is of the row, where it was
    asked for.
    """

    row: int
    json: bytes
    phone_left_out: bool
    fingerprint: bytes = b""


class WeighedRows(NamedTuple):
    """
    What becomes of rows of a batch, without the contacts themselves.

    `sizes` are bytes of JSON, 0 where a row is no contact; `phones_left_out` tells of whose phone is no telephone number.
    `invalid` are those that are no contacts, in order.
    """

    sizes: npt.NDArray[np.int64]
    phones_left_out: npt.NDArray[np.bool_]
    invalid: list["InvalidRow"]


class InvalidRow(NamedTuple):
    """A row that cannot be a contact, with the address as it was read and a sentence for a person."""

    row: int
    email: str
    code: RowFault
    reason: str
