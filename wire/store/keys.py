"""Every queue, actor and key by its name: what it holds, how long it lives and who writes it.

The templates are the one place where a name is spelt: Python fills them in through the functions of `Keys`, and the scripts
through the table `K`, which `wire.store.redis` writes from the same templates.

An account may answer under several hosts. What its connections share (`SHARED`) is kept once, under the account; scripts may
name it by any of its hosts, and `K` spells the account's key. A membership stays under the host it began with.

| name            | type   | holds                                                                | lives            | written by      |
|-----------------|--------|----------------------------------------------------------------------|------------------|-----------------|
| revision        | string | counts every change of connections and exports                       | for ever         | registry        |
| connections     | hash   | connection name -> id                                                | for ever         | registry        |
| connection(id)  | hash   | `document` (JSON), `secret` (Fernet token), `account`: its host      | until deleted    | registry        |
|                 |        | `account_set`: by a person, `identity` (JSON), `identify_at`         |                  |                 |
| exports         | hash   | export name -> id                                                    | for ever         | registry        |
| export(id)      | hash   | `document` (JSON), `connection` (id; absent: detached)               | until deleted    | registry        |
| scheduled(id)   | hash   | `next`: when its own schedule comes next                             | until it changes | scheduler       |
| tokens          | hash   | token name -> id                                                     | for ever         | tokens          |
| token(id)       | hash   | `document` (JSON), `digest`, `expires`, `used`; never the token       | until revoked    | tokens          |
| session(digest) | string | whose session of the page this is (JSON); never its cookie, nor a token | 12 h          | page            |
| draft(digest)   | string | an API key on its way into a connection (Fernet token)              | 15 minutes       | page            |
| segments        | set    | names of segments heard of                                           | for ever         | intake          |
| segment(name)   | hash   | `snapshot`, `time`, `accepted`, `event` of the last refresh          | for ever         | intake          |
| event(digest)   | hash   | `fingerprint` and `answer` of an accepted event or request           | 14 days          | intake          |
| events          | stream | `event`: CloudEvents that publishers in the cluster append           | until taken      | publishers      |
| dead_events     | stream | events that could not be taken, with the reason; at most 10,000      | 30 days          | intake          |
| runs            | zset   | run id -> created                                                    | as the run       | intake          |
| run(id)         | hash   | the run's record: what it is to do, its books, its state's parts     | retention        | everybody       |
| selection(run)  | string | which rows are sent, one bit a row, compressed                       | the run          | reader          |
| leaving(run)    | string | who of the members is sent as a leaver, by the order of their hashes  | the run          | reader          |
| moving(run)     | string | whose address has changed: rows and keyed hashes of ids              | the run          | reader          |
| rejects(run)    | list   | pages of rejects, compressed NDJSON                                  | 30 days          | reader, workers |
| held_back(run)  | list   | pages of those held back, as rejects are                             | 30 days          | reader          |
| moved(run)      | list   | pages of changed addresses, as rejects are                           | 30 days          | reader          |
| batches(run)    | list   | `chunk batch time` of every batch that was accepted                  | as the run       | workers         |
| left(run)       | list   | contacts of chunks that ended unsent or unconfirmed, compressed      | 30 days          | everybody       |
| membership(e, a, list) | hash | how many an export knows at a list, in how many buckets; its runs | until deleted    | reader, workers |
| members(e, a, list, b) | hash | address -> what was last applied, 16 or 24 bytes | until deleted    | workers, reader |
| absent(e, a, list)     | hash | members whom the last surveyed snapshot lacked, by keyed hashes of 8 bytes | until deleted | reader     |
| unfolded(e, a, list)   | hash | ended run whose `left` is not yet in the membership -> its number | until folded     | everybody       |
| memberships(e)  | set    | `account list` of the memberships of an export                       | until deleted    | reader          |
| forgotten_key   | string | what the hashes of the forgotten are keyed with, made once           | for ever         | forgetter       |
| forgotten       | hash   | keyed hash of a forgotten address, or `id:` and of an id -> when     | for ever         | forgetter       |
| forgetting      | hash   | address that is being erased -> when it was asked, and how far       | until erased     | forgetter       |
| reading         | zset   | run that is still to be read -> until when its reader's lease holds  | the reading      | intake, reader  |
| turns(a, list)  | zset   | runs into one list of an account -> arrival; the first has the claim | the run          | intake          |
| accounts        | set    | accounts with chunks                                                 | while they do    | reader          |
| account_names   | hash   | host -> the account that answers there, where that has another name  | for ever         | registry        |
| account_key     | string | what the hashes that tell accounts apart are keyed with, made once   | for ever         | registry        |
| account(a)      | hash   | its limits: the least of its connections'                            | for ever         | registry        |
| pace(a)         | hash   | when the next request may go, the gate, how far the pace is cut      | for ever         | pacer           |
| imports(a)      | list   | when the last minute's imports were booked, the newest first         | 2 minutes        | pacer           |
| under_way(a)    | zset   | tokens of chunks whose request has no outcome yet -> when it was let go | 2 minutes        | pacer, workers  |
| hold            | string | until when a fresh server lets nobody send                           | 1 s              | store           |
| kept            | string | when a promise was last waited for on disk                           | for ever         | store           |
| lane(a)         | zset   | runs with chunks on the account -> when they were last served        | the run          | reader, workers |
| bells(a)        | zset   | bells rung and not yet heard -> until when they are remembered       | 2 to 30 s        | everybody       |
| leases(a, lane) | zset   | chunks in somebody's hands -> end of the lease                       | the lease        | workers         |
| ready(run)      | zset   | chunks to deliver -> due                                             | until accepted   | reader, workers |
| accepted(run)   | zset   | chunks to confirm -> due                                             | until final      | workers         |
| chunk(run, id)  | hash   | one chunk: its contacts, its lease or its batch, what was tried      | until it is over | reader, workers |
| settled(token)  | string | what became of a taking: its outcome's answer, or that it was given back | a minute     | workers         |
| block(scope)    | hash   | why a connection or a run is blocked, and when it is probed          | until mended     | workers, people |
| unread(conn)    | hash   | answers in a row that could not be read, of all and of imports       | a day            | workers         |
| news            | list   | what happened to runs: to be told once; at most 10,000               | until told       | everybody       |
| endings         | list   | runs that ended, in order, to be judged once; at most 10,000         | until judged     | everybody       |
| health(e)       | hash   | how an export does as was last told, and what that may become        | until deleted    | watcher         |
| channels        | hash   | notification channel's name -> id                                    | for ever         | channels        |
| channel(id)     | hash   | `document` (JSON), `secret` (Fernet token)                           | until deleted    | channels        |
| deliveries      | zset   | message on its way -> when it is tried next                          | until it is over | watcher, poster |
| delivery(id)    | hash   | one message to one channel, how often it was tried, what came of it  | 30 days          | watcher, poster |
| letters(ch, state) | zset | messages of a channel: pending, delivered, dead -> since when        | 30 days          | watcher, poster |
| audit           | stream | what was changed and decided: who, what, on what, before and after    | AUDIT_DAYS       | everybody       |
| audited_deaths  | string | how many dead events the trail has of this hour                      | an hour          | intake          |
| workers         | zset   | `process/threads` -> until when it counts as alive                   | 30 s             | workers         |
"""

from typing import Final

PREFIX: Final = "segment-export:"

QUEUE: Final = "segment-export"
"""The one Dramatiq queue. Its messages are bells: they carry an account, never a contact."""

ACTOR: Final = "hear"

TEMPLATES: Final[dict[str, str]] = {
    "revision": "revision",
    "connections": "connections",
    "connection": "connection:{}",
    "exports": "exports",
    "export": "export:{}",
    "scheduled": "export:{}:scheduled",
    "tokens": "tokens",
    "token": "token:{}",
    "session": "session:{}",
    "draft": "draft:{}",
    "segments": "segments",
    "segment": "segment:{}",
    "event": "event:{}",
    "events": "events",
    "dead_events": "events:dead",
    "runs": "runs",
    "run": "run:{}",
    "selection": "run:{}:selection",
    "leaving": "run:{}:leaving",
    "moving": "run:{}:moving",
    "rejects": "run:{}:rejects",
    "held_back": "run:{}:held_back",
    "moved": "run:{}:moved",
    "batches": "run:{}:batches",
    "left": "run:{}:left",
    "membership": "membership:{}:{}:{}",
    "members": "members:{}:{}:{}:{}",
    "absent": "membership:{}:{}:{}:absent",
    "unfolded": "membership:{}:{}:{}:unfolded",
    "memberships": "export:{}:memberships",
    "forgotten_key": "forgotten:key",
    "forgotten": "forgotten",
    "forgetting": "forgetting",
    "reading": "reading",
    "turns": "turns:{}:{}",
    "accounts": "accounts",
    "account_names": "accounts:names",
    "account_key": "accounts:key",
    "account": "account:{}",
    "pace": "account:{}:pace",
    "imports": "account:{}:imports",
    "under_way": "account:{}:under_way",
    "hold": "hold",
    "kept": "kept",
    "lane": "account:{}:lane",
    "bells": "account:{}:bells",
    "leases": "account:{}:leases:{}",
    "ready": "run:{}:ready",
    "accepted": "run:{}:accepted",
    "chunk": "run:{}:chunk:{}",
    "settled": "settled:{}",
    "block": "block:{}",
    "unread": "connection:{}:unread",
    "news": "news",
    "endings": "endings",
    "health": "export:{}:health",
    "channels": "channels",
    "channel": "channel:{}",
    "deliveries": "deliveries",
    "delivery": "delivery:{}",
    "letters": "channel:{}:{}",
    "audit": "audit",
    "audited_deaths": "audit:deaths",
    "workers": "workers",
}

SHARED: Final = frozenset({"turns", "account", "pace", "imports", "under_way", "lane", "bells", "leases"})
"""What the hosts of one account share: the first part is the account, whichever of its hosts a script names."""

ACCOUNT_OF: Final = f"""\
local NAMES = {{}}
local function account_of(host)
  if not NAMES[host] then NAMES[host] = redis.call('HGET', '{PREFIX}{TEMPLATES["account_names"]}', host) or host end
  return NAMES[host]
end
"""
"""The account that answers at a host, as a script sees it; NAMES is what it has looked up already."""


def key(name: str, *parts: str) -> str:
    """Spell the key called `name` for these parts; KeyError or IndexError if there is no such key.

    What accounts share is asked for by the account: a host is not looked up here.
    """
    return PREFIX + TEMPLATES[name].format(*parts)


def lua_names() -> str:
    """Write the table `K` of key-spelling functions that every script begins with, and what knows accounts by their hosts."""
    functions = []
    for name, template in TEMPLATES.items():
        count = template.count("{}")
        parameters = ", ".join("abcd"[:count])
        pieces = f"{PREFIX}{template}".split("{}")
        joined = f"'{pieces[0]}'"
        for parameter, piece in zip("abcd", pieces[1:], strict=False):
            spelt = f"account_of({parameter})" if parameter == "a" and name in SHARED else parameter
            joined += f" .. {spelt}" + (f" .. '{piece}'" if piece else "")
        functions.append(f"  {name} = function({parameters}) return {joined} end,")
    return ACCOUNT_OF + "local K = {\n" + "\n".join(functions) + "\n}\n"
