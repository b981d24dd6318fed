"""What travels on the queue: bells. A message names an account for which something is due, never a contact."""

import dramatiq

from wire.topology import ACTOR, QUEUE


def bell(account: str, name: str) -> dramatiq.Message[None]:
    """Make the message that tells a worker to look after an account; `name` tells this ring from others."""
    return dramatiq.Message(queue_name=QUEUE, actor_name=ACTOR, args=(account, name), kwargs={}, options={})
