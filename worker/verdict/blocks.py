"""Makes the verdicts that stop a connection or a run, each with its sentence for a person; pure. Pure."""

from typing import Final

from wire.activecampaign.errors import Refused
from worker.verdict.chunk_history import ChunkHistory
from worker.verdict.verdicts import Stop, StopCode

JUDGES_THE_ACCOUNT_FROM: Final = 20
"""Contacts. Of fewer, nearly all may well be refused for reasons of their own."""

_NEARLY_ALL: Final = 0.9

_SENTENCES: Final = {
    StopCode.CREDENTIALS: "ActiveCampaign does not accept the API key.",
    StopCode.PAYMENT: "ActiveCampaign says that the account is not paid for.",
    StopCode.PERMISSION: "ActiveCampaign does not permit this to the user of the API key, or the key is wrong.",
    StopCode.CONTRACT: "ActiveCampaign says that the contract allows no more contacts.",
    StopCode.NOT_ACTIVECAMPAIGN: "What answers is not ActiveCampaign's API: the key or the host is wrong.",
    StopCode.HOST_NOT_ALLOWED: "The host is neither public nor among the trusted hosts.",
    StopCode.LIST_MISSING: "ActiveCampaign does not find the list.",
    StopCode.REFUSES_EVERYTHING: "ActiveCampaign refuses every part of a chunk and names no contact.",
}


def refused(error: Refused, memory: ChunkHistory) -> Stop:
    """Stop the connection, for the error's own cause."""
    code = StopCode(error.because)
    return Stop("connection", code, _SENTENCES[code], error.definite, memory)


def unreadable_answers(form: str) -> str:
    """Say why a connection stops whose answers cannot be read, several in a row."""
    return f"ActiveCampaign's answers cannot be read, several in a row. The last one: {form}."


def unreadable_chunk(form: str, memory: ChunkHistory) -> Stop:
    """Stop the run until a person lets it go on: what is answered about one of its chunks cannot be read.

    ActiveCampaign may have these contacts, so they are not sent again without a person's word.
    """
    reason = f"What ActiveCampaign answers about one chunk cannot be read. The last answer: {form}."
    code = StopCode.UNREADABLE_ANSWERS
    return Stop("run", code, reason, definite=True, memory=memory, by_hand=True, asks=False)


def list_missing(memory: ChunkHistory) -> Stop:
    """Stop the run: its list is not there."""
    return Stop("run", StopCode.LIST_MISSING, _SENTENCES[StopCode.LIST_MISSING], definite=True, memory=memory)


def refuses_everything(memory: ChunkHistory) -> Stop:
    """Stop the run if it goes on like this: no contact is to blame for what all are refused for."""
    code = StopCode.REFUSES_EVERYTHING
    return Stop("run", code, _SENTENCES[code], definite=False, memory=memory)


def nearly_all(named: int, count: int) -> bool:
    """Whether so many named of so many judge the account, not its people."""
    return count >= JUDGES_THE_ACCOUNT_FROM and named > _NEARLY_ALL * count


def refuses_nearly_all(named: int, count: int, memory: ChunkHistory) -> Stop:
    """Stop the run until a person says that they believe it."""
    reason = f"ActiveCampaign refused {named} of {count} contacts of one chunk: the account may be at fault, not they."
    return Stop("run", StopCode.REFUSES_NEARLY_ALL, reason, definite=True, memory=memory, by_hand=True)
