"""Asks accounts how many contacts their contracts allow, where somebody is to be added; knows no run's figures."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContactLimit:
    """How many active contacts an account may have, and how many it has."""

    limit: int
    total: int
