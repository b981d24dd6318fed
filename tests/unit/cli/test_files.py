"""Files are read whole or not at all, every fault is told with its line, and what is written reads the same."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.cli.files import yaml_text
from producer.cli.files.load import Faulty, read
from producer.cli.files.plan import Action, PlannedChange, exported, plan
from producer.cli.files.schema import schema
from producer.pipeline.safeguards import NUMBER, SHARE

CONNECTION: dict[str, Any] = {
    "name": "acme",
    "display_name": "acme",
    "host": "acme.api-us1.com",
    "allow": "admins",
    "limits": {"imports_per_minute": 100.0, "single_imports_per_minute": 20.0, "requests_per_second": 5.0},
}
EXPORT: dict[str, Any] = {
    "id": "e1",
    "name": "vip",
    "connection": "acme",
    "segment": "vip",
    "list_id": "12",
    "mapping": {"email": "Email", "first_name": "First", "last_name": None, "phone": None}
    | {"fields": {"7": "Tier", "8": "City"}, "tags": ["a"], "tags_column": None},
    "leavers": "keep",
    "leavers_field": None,
    "brake": {"share": SHARE, "number": NUMBER},
    "full_every_runs": None,
    "full_every_days": None,
    "automations": False,
    "default_region": None,
    "budget_minutes": 90.0,
    "patience_minutes": 30.0,
    "delivery_patience_minutes": 720.0,
}
GOOD = """\
connections:
  - name: acme
    host: https://Acme.api-us1.com/
    api_key: {env: ACME_KEY}
    consent: true
exports:
  - name: vip
    connection: acme
    segment: vip
    list_id: "12"
    mapping:
      email: Email
      first_name: First
      fields: {7: Tier, 8: City}
      tags: [a]
"""


def _faults(text: str) -> list[str]:
    with pytest.raises(Faulty) as faulty:
        read({"f.yaml": text})
    return list(faulty.value.faults)


def _plan(
    text: str, *, connections: Any = None, exports: Any = None, prune: bool = False, send_keys: bool = False
) -> list[PlannedChange]:
    standing = {"acme": CONNECTION} if connections is None else connections
    return plan(read({"f.yaml": text}), standing, exports or {}, prune=prune, send_keys=send_keys)


def test_every_fault_of_every_object_is_told_with_its_line() -> None:
    """All at once, whatever kind they are of; no value of a key is repeated."""
    text = """\
connections:
  - name: acme
    host: acme.api-us1.com
    api_key: very-secret
    consent: false
exports:
  - name: vip
    connection: acme
    segment: vip
    list_id: 12
    mapping:
      email: Email
      tags:
        - good
        - a,b
    leavers: unsubscribe
    color: red
  - name: vip
    name: other
    connection: acme
    segment: vip
    list_id: "1"
    mapping: {email: E}
folders: []
"""
    faults = _faults(text)
    assert [fault.partition(": ")[0] for fault in faults] == [
        *("f.yaml:19", "f.yaml:24", "f.yaml:4", "f.yaml:5"),
        *("f.yaml:10", "f.yaml:15", "f.yaml:7", "f.yaml:17"),
    ]
    assert "f.yaml:10: list_id should be a valid string: write it in quotes" in faults
    assert "f.yaml:19: name stands here twice" in faults
    assert "f.yaml:24: folders is not a known field" in faults
    assert not any("very-secret" in fault for fault in faults)


def test_a_name_is_declared_once_in_all_files() -> None:
    """The second one is told where the first one is."""
    with pytest.raises(Faulty, match=r"b.yaml:2: name acme is declared already, at a.yaml:2"):
        read({"a.yaml": GOOD, "b.yaml": GOOD})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("exports: [\n", "f.yaml:2: this is no YAML"),
        ("exports:\n  - &a {name: x}\n  - *a\n", "f.yaml:3: this is no YAML: aliases"),
        ("exports:\n  - name: !!python/object:os.system x\n", "f.yaml:2: this value cannot be read"),
        ("exports:\n  - name: 2026-13-45\n", "f.yaml:2: this value cannot be read"),
        ("exports: \x00\n", "f.yaml:1: a character"),
        ("exports: " + "[" * 40 + "]" * 40, "f.yaml:1: it is nested deeper"),
        ("exports: " + "[" * 9_000, "f.yaml:1: "),
        ("- exports\n", "f.yaml:1: must be an object"),
        ("exports: no\n", "f.yaml:1: exports should be a valid list"),
        ("exports:\n  - vip\n", "f.yaml:2: "),
        ("? [a]\n: b\n", "f.yaml:1: a name must be text"),
    ],
)
def test_what_is_no_file_of_ours_is_told_by_line(text: str, fault: str) -> None:
    """Whatever it is, it ends in a sentence."""
    assert any(one.startswith(fault) for one in _faults(text)), _faults(text)


@pytest.mark.parametrize("reference", ["{}", "{env: A, file: b}", "{env: 'A B'}", "key", "{vault: x}"])
def test_a_key_is_one_reference(reference: str) -> None:
    """The key itself never stands in a file."""
    faults = _faults(GOOD.replace("{env: ACME_KEY}", reference))
    assert len(faults) == 1
    assert faults[0].startswith("f.yaml:4: api_key")


def test_what_stands_as_it_is_declared_is_no_change() -> None:
    """Another spelling of the host, a number as a name and defaults that are not said are none."""
    assert _plan(GOOD, exports={"vip": EXPORT}) == []


def test_a_change_is_a_merge_patch_of_what_differs() -> None:
    """Null takes away; a confirmation goes with what it confirms."""
    after = GOOD.replace(", 8: City", "").replace('"12"', '"13"').replace("      first_name: First\n", "")
    after += "    leavers: unsubscribe\n    confirm_unsubscribe: true\n    brake: null\n"
    (change,) = _plan(after, exports={"vip": EXPORT})
    assert (change.action, change.kind, change.name) == (Action.CHANGE, "exports", "vip")
    assert change.body == {
        "brake": None,
        "confirm_unsubscribe": True,
        "leavers": "unsubscribe",
        "list_id": "13",
        "mapping": {"fields": {"8": None}, "first_name": None},
    }
    told = [(one.place, one.before, one.after) for one in change.differences]
    assert ("list_id", "12", "13") in told
    assert ("mapping.fields.8", "City", None) in told


def test_another_host_sends_the_key_again() -> None:
    """And otherwise only who asks for it does."""
    (change,) = _plan(GOOD.replace("Acme.", "Other."), exports={"vip": EXPORT})
    assert change.body == {"host": "https://Other.api-us1.com/"}
    assert change.key is not None
    (again,) = _plan(GOOD, exports={"vip": EXPORT}, send_keys=True)
    assert (again.body, again.key is not None) == ({}, True)


def test_an_account_is_in_a_file_where_a_person_set_it() -> None:
    """What is found out is no difference, also to a server that does not say it; an account that is taken out is found out again."""
    found_out = CONNECTION | {"account": "acme.api-us1.com", "account_known_by": "lists"}
    by_hand = CONNECTION | {"account": "acme", "account_known_by": "override"}
    said = GOOD.replace("    consent: true\n", "    consent: true\n    account: acme\n")
    for standing in (CONNECTION, found_out):
        assert "account:" not in yaml_text.write(exported([standing], []))
        assert _plan(GOOD, connections={"acme": standing}, exports={"vip": EXPORT}) == []
        (set_by_hand,) = _plan(said, connections={"acme": standing}, exports={"vip": EXPORT})
        assert set_by_hand.body == {"account": "acme"}
    assert "account: acme" in yaml_text.write(exported([by_hand], []))
    assert _plan(said, connections={"acme": by_hand}, exports={"vip": EXPORT}) == []
    (taken_out,) = _plan(GOOD, connections={"acme": by_hand}, exports={"vip": EXPORT})
    assert taken_out.body == {"account": None}
    (made, _) = _plan(said, connections={})
    assert made.body["account"] == "acme"
    (made, _) = _plan(GOOD, connections={})
    assert "account" not in made.body


def test_connections_come_before_their_exports_and_go_after_them() -> None:
    """So that nothing is ever without what it needs."""
    old = {"old": CONNECTION | {"name": "old"}}
    planned = _plan(GOOD, connections=old, exports={"gone": EXPORT | {"name": "gone"}}, prune=True)
    assert [(change.action, change.kind, change.name) for change in planned] == [
        (Action.CREATE, "connections", "acme"),
        (Action.CREATE, "exports", "vip"),
        (Action.DELETE, "exports", "gone"),
        (Action.DELETE, "connections", "old"),
    ]


def test_pruning_leaves_alone_what_no_file_lists() -> None:
    """A file of exports says nothing of connections."""
    exports_only = GOOD[GOOD.index("exports:") :]
    connections = {"acme": CONNECTION, "old": CONNECTION | {"name": "old"}}
    assert _plan(exports_only, connections=connections, exports={"vip": EXPORT}, prune=True) == []
    (change,) = _plan("exports: []", connections=connections, exports={"vip": EXPORT}, prune=True)
    assert (change.action, change.name) == (Action.DELETE, "vip")


@pytest.mark.parametrize("prune", [True, False])
def test_an_export_needs_a_connection_that_will_be_there(*, prune: bool) -> None:
    """One that is to be pruned is none."""
    text = "connections: []\n" + GOOD[GOOD.index("exports:") :]
    if not prune:
        assert len(_plan(text)) == 1
        text = text.replace("connection: acme", "connection: acne")
    with pytest.raises(Faulty, match=r"f.yaml:4: connection there is no connection ac"):
        _plan(text, prune=prune)


def test_a_detached_export_stays_so_and_no_new_one_is() -> None:
    """It could never run."""
    text = GOOD.replace("connection: acme", "connection: null")
    assert _plan(text, exports={"vip": EXPORT | {"connection": None}}) == []
    with pytest.raises(Faulty, match=r"f.yaml:8: connection is needed"):
        _plan(text)


def test_what_is_written_from_a_server_is_no_change_to_it() -> None:
    """Odd texts and all; the confirmation that it needs stands in it."""
    odd = EXPORT | {
        "leavers": "unsubscribe",
        "segment": "no",
        "brake": None,
        "mapping": EXPORT["mapping"] | {"phone": "1: #"},
    }
    text = yaml_text.write(exported([CONNECTION], [odd]))
    assert "ACTIVECAMPAIGN_KEY_ACME" in text
    assert _plan(text, exports={"vip": odd}, prune=True) == []


LINES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")))
"""What the API takes as text."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | LINES | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(LINES, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_what_is_written_reads_the_same(value: Any) -> None:
    """Whatever YAML would rather take for something else."""
    (again,) = yaml_text.read(yaml_text.write(value))
    assert (again.value, again.faults) == (value, [])


def test_the_schema_knows_every_kind_and_no_secret() -> None:
    """Editors find fault with what `apply` would."""
    said = schema()
    assert set(said["properties"]) == {"connections", "exports", "notifications"}
    assert said["additionalProperties"] is False
    assert "KeyReference" in json.dumps(said["$defs"]["DeclaredConnection"]["properties"]["api_key"])
    assert set(said["$defs"]["KeyReference"]["properties"]) == {"env", "file"}
