"""One person: explained in each fate, and forgotten everywhere, over real processes and a real append-only file."""

import zlib
from collections.abc import Callable
from typing import Any

from redis import Redis

from tests.end_to_end.conftest import FAST_SANDBOX, Platform
from tests.end_to_end.test_first_export import people, write
from tests.end_to_end.test_leavers import FIELD, refresh

Up = Callable[..., Platform]


def explained(platform: Platform, address: str, **said: Any) -> Any:
    """How a person stands with the one export there is."""
    status, answer = platform.call("POST", "/v1/contacts/explain", {"email": address, **said})
    assert status == 200, answer
    (one,) = answer["exports"]
    return one


def everything(platform: Platform) -> str:
    """All keys and values of the store, packed ones unpacked, in small letters."""
    found: list[bytes] = []
    with Redis(port=platform.stack.valkey_port) as redis:
        for key in redis.scan_iter():
            match redis.type(key):
                case b"string":
                    values = [redis.get(key)]
                case b"hash":
                    values = [part for pair in redis.hgetall(key).items() for part in pair]
                case b"list":
                    values = redis.lrange(key, 0, -1)
                case b"zset":
                    values = redis.zrange(key, 0, -1)
                case b"set":
                    values = list(redis.smembers(key))
                case _:
                    values = [repr(redis.xrange(key)).encode()]
            found += [key, *values, *(part for value in values for part in _unpacked(value))]
    return b"\n".join(found).decode(errors="replace").lower()


def _unpacked(value: bytes) -> list[bytes]:
    """What is behind a value that is packed, also behind the sign of a chunk that was left."""
    found = []
    for packed in (value, value[1:]):
        try:
            found.append(zlib.decompress(packed))
        except zlib.error:
            continue
    return found


def test_a_person_is_explained_in_each_fate(platform: Up) -> None:
    """With run, chunk and batch, and by whom a membership was ended."""
    up = platform()
    assert up.connect()[0] == 201
    marking: dict[str, Any] = dict(FIELD)
    assert up.export(**marking)[0] == 201
    refused = "person5@example.com"
    up.sandbox("opt_outs", {"list": "12", "emails": [refused]})
    first = refresh(up, [*people(10), ["no address", "A", "B", ""]])
    up.sandbox("opt_outs", {"list": "12", "emails": ["person6@example.com"]})
    second = refresh(up, [["PERSON6@example.com", "Renamed", "B", ""], *people(5), *people(2, start=7)])

    member = explained(up, "Person1@Example.com", ask=True)
    assert (member["standing"], member["in_last_snapshot"], member["sent"]["run"]) == ("member", "yes", first["id"])
    (batch,) = member["sent"]["batches"]
    assert (member["sent"]["chunk"], batch["chunk"]) == (0, "0")
    assert batch["batch"]
    assert member["activecampaign"]["there"] is True
    left = explained(up, "person9@example.com")
    assert (left["standing"], left["in_last_snapshot"], left["sent"]["run"]) == ("left", "no", second["id"])
    out_before = explained(up, refused)
    assert (out_before["standing"], out_before["reason"]) == ("refused", "opted_out_or_excluded")
    assert out_before["ended_by"] is None
    assert out_before["rejected"][0]["run"] == first["id"]
    out_since = explained(up, "person6@example.com")
    assert (out_since["reason"], out_since["ended_by"]) == ("opted_out_or_excluded", "the_person_or_the_marketer")
    assert out_since["in_last_snapshot"] == "yes"
    assert explained(up, "no address")["standing"] == "invalid"
    stranger = explained(up, "nobody@example.com", ask=True)
    assert (stranger["standing"], stranger["in_last_snapshot"]) == ("never_sent", "no")
    assert stranger["activecampaign"]["there"] is False
    assert "example.com" not in up.logs()


def test_whoever_is_forgotten_is_in_no_key_file_or_page_and_never_sent_again(platform: Up) -> None:
    """A member, one who was refused, and one whose row is invalid; the contact is deleted, too."""
    up = platform()
    assert up.connect()[0] == 201
    assert up.export()[0] == 201
    gone = ["person1@example.com", "person5@example.com", "in valid@example.com"]
    up.sandbox("opt_outs", {"list": "12", "emails": [gone[1]]})
    rows = [*people(10), [gone[2], "A", "B", ""]]
    refresh(up, rows)
    assert all(address in everything(up) for address in gone)
    counted = []
    for address in gone:
        said = {"email": address.upper(), "delete_at_activecampaign": True}
        status, receipt = up.call("POST", "/v1/contacts/forget", said)
        assert (status, receipt["state"], receipt["log_rewritten"], receipt["waits_for"]) == (200, "erased", "done", [])
        assert "backups" in receipt["still_held"].lower()
        assert "example.com" not in str(receipt)
        counted.append((receipt["erased"]["membership"], receipt["erased"]["rejects"]))
        assert receipt["activecampaign"][0]["connection"] == "main"
    assert counted == [(1, 0), (1, 1), (0, 1)]
    assert up.sandbox(f"contacts?email={gone[0]}") == []

    held = everything(up)
    files = b"".join(file.read_bytes() for file in up.stack.plan.directory.rglob("*.aof")).lower()
    files += b"".join(file.read_bytes() for file in up.stack.plan.directory.rglob("*.rdb")).lower()
    for address in gone:
        assert address not in held
        assert address.encode() not in files
        assert address not in up.logs()
        assert explained(up, address)["standing"] == "forgotten"

    sent = up.sandbox("totals")["imports"]
    again = refresh(up, [*rows[:-1], rows[-1], [gone[0].upper(), "Other", "Name", ""]])
    assert (again["state"], again["books"]["held_back"], again["books"]["selected"]) == ("succeeded", 3, 0)
    assert again["books"]["duplicate"] == 1
    assert up.sandbox("totals")["imports"] == sent
    lines = up.get(f"/v1/runs/{again['id']}/rejects?fate=held_back")
    assert [(line["code"], line["email"]) for line in lines] == [("forgotten", "")] * 3
    assert not any(address in everything(up) for address in gone)


def test_whoever_is_forgotten_while_a_batch_has_them_is_erased_when_it_has_ended(platform: Up) -> None:
    """By itself; what was not yet sent of others goes on."""
    up = platform(sandbox=(*FAST_SANDBOX, "--batch-seconds", "5:6"))
    assert up.connect()[0] == 201
    assert up.export()[0] == 201
    run = up.publish(write(up.snapshots / "1.csv", people(10)))
    address = "person1@example.com"
    up.wait(run, lambda found: found["accepted"] == 10)
    (chunk,) = explained(up, address)["on_the_way"]
    assert (chunk["run"], chunk["state"]) == (run, "accepted")
    status, receipt = up.call("POST", "/v1/contacts/forget", {"email": address})
    assert (status, receipt["state"], receipt["waits_for"], receipt["log_rewritten"]) == (200, "erasing", [run], None)
    assert up.wait(run)["books"]["applied"] == 10
    up.wait(run, lambda _: '"event":"erased"' in up.logs())
    assert address not in everything(up)
