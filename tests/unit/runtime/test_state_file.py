"""What an agent keeps on disk: written whole or not at all, told from damaged and foreign files."""

import json
import logging
from pathlib import Path

import pytest

from firemesh.errors import StateFileMismatch
from firemesh.runtime.state_file import SET_ASIDE_MAX, AgentMemory, StateFile

MEMORY = AgentMemory(("0123456789ab",), 3, {"mood": "wary"}, {"phase": "1/night", "done": {"cast": "p02"}})


def test_memory_survives_the_way_to_disk_and_back(tmp_path: Path) -> None:
    StateFile(tmp_path / "deep" / "down", "m1", "w1").save(MEMORY)
    assert StateFile(tmp_path / "deep" / "down", "m1", "w1").load() == MEMORY


def test_there_is_nothing_before_the_first_save(tmp_path: Path) -> None:
    assert StateFile(tmp_path, "m1", "w1").load() is None


def test_a_save_that_is_cut_short_leaves_the_file_before(tmp_path: Path) -> None:
    file = StateFile(tmp_path, "m1", "w1")
    file.save(MEMORY)
    (tmp_path / "w1.new").write_text(file.path.read_text()[:20])
    assert file.load() == MEMORY
    file.save(AgentMemory(("ba9876543210",)))
    assert file.load() == AgentMemory(("ba9876543210",))


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("wary", "calm"),
        lambda text: json.dumps({"sha256": json.loads(text)["sha256"], "body": []}),
        lambda text: "[" * 100_000,
        lambda text: "null",
        lambda text: json.dumps({**json.loads(text), "sha256": "0" * 64}),
    ],
    ids=["empty", "half", "changed", "no body", "deep", "null", "checksum"],
)
def test_a_damaged_file_is_set_aside_and_said(damage: object, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = StateFile(tmp_path, "m1", "w1")
    file.save(MEMORY)
    text = damage(file.path.read_text())  # type: ignore[operator]
    file.path.write_text(text)
    with caplog.at_level(logging.WARNING):
        assert file.load() is None
    assert "damaged" in caplog.text
    assert not file.path.exists()
    assert (tmp_path / "w1.damaged-0").read_text() == text


def test_bytes_that_are_no_text_are_set_aside(tmp_path: Path) -> None:
    file = StateFile(tmp_path, "m1", "w1")
    file.path.write_bytes(b"\xff\xfe\x00")
    assert file.load() is None
    assert (tmp_path / "w1.damaged-0").read_bytes() == b"\xff\xfe\x00"


def test_damaged_files_are_kept_side_by_side_up_to_a_limit(tmp_path: Path) -> None:
    file = StateFile(tmp_path, "m1", "w1")
    for number in range(SET_ASIDE_MAX + 2):
        file.path.write_text(f"garbage {number}")
        assert file.load() is None
    kept = sorted(tmp_path.glob("w1.damaged-*"))
    assert len(kept) == SET_ASIDE_MAX
    assert f"garbage {SET_ASIDE_MAX + 1}" in {path.read_text() for path in kept}


def test_a_file_of_another_format_is_set_aside(tmp_path: Path) -> None:
    file = StateFile(tmp_path, "m1", "w1")
    file.save(MEMORY)
    data = json.loads(file.path.read_text())
    data["body"]["format"] = 2
    file.path.write_text(json.dumps(data))
    assert file.load() is None


@pytest.mark.parametrize(("mesh", "agent"), [("m2", "w1"), ("m1", "w2")])
def test_a_file_of_another_mesh_or_agent_is_refused_and_left_alone(mesh: str, agent: str, tmp_path: Path) -> None:
    StateFile(tmp_path, "m1", "w1").save(MEMORY)
    (tmp_path / "w1.json").rename(tmp_path / f"{agent}.json")
    with pytest.raises(StateFileMismatch, match="agent 'w1' of mesh 'm1'"):
        StateFile(tmp_path, mesh, agent).load()
    assert (tmp_path / f"{agent}.json").exists()
