"""What counts as a command: the text of its payload alone decides, on every manager alike."""

import json

import pytest
from pydantic import ValidationError

from firemesh.core.messages import PAYLOAD_BYTES_MAX, PAYLOAD_DEPTH_MAX, Command, Head, Voters, canonical_json


def command(payload: str) -> Command:
    return Command(agent_id="w", inc="0" * 12, seq=1, kind="ledger.note", payload=payload)


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    """An object with so many objects and lists within each other, itself counted."""
    return '{"a":' + opening * (depth - 1) + "1" + closing * (depth - 1) + "}"


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"]]":', "}]")])
def test_payload_may_be_nested_to_the_limit_and_no_deeper(opening: str, closing: str) -> None:
    levels = opening.count("[") + opening.count("{")
    most = PAYLOAD_DEPTH_MAX - (PAYLOAD_DEPTH_MAX - 1) % levels
    fits = nested((most - 1) // levels + 1, opening, closing)
    assert command(fits).body == json.loads(fits)
    with pytest.raises(ValidationError, match=f"payload is nested deeper than {PAYLOAD_DEPTH_MAX}"):
        command(nested((most - 1) // levels + 2, opening, closing))


@pytest.mark.parametrize("depth", [970, 971, 972, 1495, 2040])
def test_payload_that_one_stack_would_parse_and_another_not_is_refused_by_its_depth(depth: int) -> None:
    with pytest.raises(ValidationError, match="payload is nested deeper"):
        command(nested(depth))


@pytest.mark.parametrize("text", ["[" * 100, '"' + "[" * 100, '\\"' + "{[" * 50, "]}" * 50 + "[{" * 50, '\\\\" ' + "[" * 40])
def test_brackets_within_a_text_are_no_nesting(text: str) -> None:
    payload = canonical_json({"said": [text, text]})
    assert command(payload).body == {"said": [text, text]}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_number_that_is_not_finite_is_refused(number: str) -> None:
    with pytest.raises(ValidationError, match="payload is not JSON with finite numbers"):
        command(f'{{"n":{number}}}')


def test_longest_integer_that_fits_is_accepted_whatever_the_length() -> None:
    digits = "9" * (PAYLOAD_BYTES_MAX - len('{"n":}'))
    assert len(command(f'{{"n":{digits}}}').payload) == PAYLOAD_BYTES_MAX


@pytest.mark.parametrize(
    "payload", ["", "[", '{"a":', '{"a":1}]', '{"a":"', '{"a":"\\', "{]}", "\ufeff{}", '{"a":\x00}', "{'a':1}"]
)
def test_text_that_is_no_json_is_refused(payload: str) -> None:
    with pytest.raises(ValidationError, match="payload is not JSON"):
        command(payload)


def test_released_lease_is_reserved_for_a_voter_only() -> None:
    voters = Voters(version=1, managers=("m1", "m2"))
    assert Head(voters=voters, transfer_to="m2").reserved_for == "m2"
    assert Head(voters=voters, transfer_to="w1").reserved_for == ""
    assert Head(voters=voters).reserved_for == ""
