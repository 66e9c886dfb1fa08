"""Measuring the mesh beside others: what is made of times, what is drawn, and what is said of somebody who is missing."""

import contextlib
import json
import sys
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from firemesh.errors import LocalStackError
from firemesh_cli.bench.peers import failover, packages, plots
from firemesh_cli.bench.peers.catalogue import COURIERS, ELECTORS, FAILOVER, MESSAGES
from firemesh_cli.bench.peers.cost import LIVES
from firemesh_cli.bench.peers.messages import matched
from firemesh_cli.bench.peers.record import Deliveries, Failover, Messages, Record, quantile
from firemesh_cli.bench.peers.run import missing_of_ours
from firemesh_cli.bench.peers.tables import cost_section, failover_section, messages_section, sections
from firemesh_cli.bench.peers.workplace import Workplace
from firemesh_cli.bench.svg import SERIES_MAX, Axis
from firemesh_cli.commands import bench_peers
from tests.support.listener import nobody


def record(*, left_out: dict[str, str] | None = None, foreign_cores: float = 0.1) -> Record:
    to_one = Deliveries.of([0.001, 0.002, 0.004], 0, foreign_cores)
    to_thirty = Deliveries.of([0.010], 2, 0.1)
    return Record(
        failover={
            "etcd": Failover("3.4.23", "disk", (2.0, 2.2, 1.8), 0.1),
            "mesh": Failover("this", "memory", (0.02,), foreign_cores),
        },
        messages={"NATS": Messages("2.9", "nowhere", to_one, to_thirty)},
        cost={"silent": {5: 0.004, 30: 0.021}},
        left_out=left_out or {},
    )


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 2), (0.51, 3), (0.9, 4), (1.0, 4)])
def test_a_quantile_is_a_value_that_was_measured(share: float, value: float) -> None:
    assert quantile([3, 1, 4, 2], share) == value


def test_a_message_counts_by_its_number_and_one_that_never_came_is_lost() -> None:
    sent = {"40": 1.0, "41": 2.0, "42": 3.0}
    heard = [{"40": 1.5, "41": 2.25, "42": 3.5}, {"7": 0.0, "41": 2.5}]
    found = matched(sent, heard, first=41)
    assert (sorted(found.seconds), found.lost) == ([0.25, 0.5, 0.5], 1)


def test_a_record_survives_its_file() -> None:
    assert Record.from_json(json.loads(json.dumps(record().as_json()))) == record()


def test_a_part_measured_anew_replaces_that_part_alone() -> None:
    earlier, later = record(), Record(cost={"silent": {5: 0.003}})
    updated = earlier.updated(later)
    assert (updated.failover, updated.messages, updated.cost) == (earlier.failover, earlier.messages, later.cost)


def test_the_tables_hold_medians_and_multiples_of_the_ttl() -> None:
    assert failover_section(record()).rows["etcd"] == ("3.4.23", 3, 2.0, 2.2, 2.2, 1.0, 0.1, "disk")
    assert messages_section(record()).rows["NATS, 1:1"] == (2.0, 4.0, 4.0, 4.0, 0, 0.1, "nowhere")
    assert messages_section(record()).rows["NATS, 1:30"][4] == 2
    assert (cost_section(record()).columns, cost_section(record()).rows["silent"]) == (
        ("5_agents", "30_agents"),
        (0.004, 0.021),
    )
    assert [section.title for section in sections(Record(cost={"silent": {5: 0.004}}))] == ["cost"]


def test_rows_of_a_busy_machine_are_named() -> None:
    busy = record(foreign_cores=0.5)
    assert (failover_section(busy).not_judged, messages_section(busy).not_judged) == (("mesh",), ("NATS, 1:1",))


@pytest.mark.parametrize(("name", "series"), [("failover", {"etcd", "mesh"}), ("latency", {"NATS"}), ("cost", {"silent"})])
def test_a_drawing_is_well_formed_names_its_series_and_follows_the_reader_s_colours(name: str, series: set[str]) -> None:
    text = plots.drawn(record())[f"{name}.svg"]
    words = {each.text for each in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}text")}
    assert series <= words
    assert "prefers-color-scheme: dark" in text
    assert "://" not in text.replace("http://www.w3.org/2000/svg", "")


def test_there_are_colours_and_dashes_for_every_system() -> None:
    assert max(len(FAILOVER), len(MESSAGES), len(LIVES)) <= SERIES_MAX


def test_an_axis_holds_what_lies_beyond_its_ends() -> None:
    axis = Axis((0.01, 1), (100, 300), log=True)
    assert [axis(value) for value in (0, 0.01, 0.1, 1, 50)] == [100, 100, 200, 300, 300]


def test_every_system_has_its_clients() -> None:
    assert (FAILOVER.keys(), MESSAGES.keys()) == (ELECTORS.keys(), COURIERS.keys())


@pytest.mark.parametrize(
    ("archive", "version"),
    [
        ("redis-server_5%3a7.0.15-1~deb12u10_amd64.deb", "7.0.15"),
        ("etcd-server_3.4.23-4+b4_amd64.deb", "3.4.23"),
        ("nats-server_2.9.10-1+b3_amd64.deb", "2.9.10"),
    ],
)
def test_a_package_tells_the_version_of_what_it_holds(archive: str, version: str) -> None:
    assert packages.upstream_version(archive) == version


def test_without_debian_s_tools_a_peer_is_refused_and_nothing_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalStackError, match="apt-get"):
        packages.unpacked(tmp_path, ("etcd-server",))
    assert list((tmp_path / ".firemesh" / "peers").iterdir()) == []


def test_whoever_is_missing_is_named_and_the_drawings_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench_peers.keep(record(left_out={"failover: etcd": "no apt-get"}), tmp_path / "plots")
    assert "left out: failover: etcd: no apt-get" in capsys.readouterr().err
    assert not (tmp_path / "plots").exists()


def test_a_whole_run_is_kept_with_its_drawings(tmp_path: Path) -> None:
    bench_peers.keep(record(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cost.svg",
        "failover.svg",
        "latency.svg",
        "peers.json",
    ]


def test_only_what_is_ours_and_was_asked_for_may_not_be_missing() -> None:
    assert missing_of_ours(record(), ["failover"]) == ["mesh, neighbours"]
    assert missing_of_ours(record(), ["messages"]) == ["Firestore document", "mesh command"]
    assert missing_of_ours(Record(), ["cost"]) == []


def place(folder: Path) -> Workplace:
    return Workplace(folder, folder, project="demo-bench", firestore_host="127.0.0.1:1", environment={})


async def test_a_server_that_does_not_start_is_refused_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('one'); raise SystemExit('no room here')"]
    with nobody() as port, pytest.raises(LocalStackError, match="peer did not start: no room here"):
        async with place(tmp_path).serving("peer", command, port):
            pass


SERVER = """
import socket, sys, time
with socket.create_server(("127.0.0.1", int(sys.argv[1])), reuse_port=True):
    time.sleep(600)
"""


async def test_a_server_ends_with_its_block(tmp_path: Path) -> None:
    with nobody() as port:
        async with place(tmp_path).serving("peer", [sys.executable, "-c", SERVER, str(port)], port):
            pass
        with pytest.raises(LocalStackError, match="did not start"):  # nobody listens any more, and this one ends
            async with place(tmp_path).serving("peer", [sys.executable, "-c", ""], port):
                pass


class Unknown:
    """A system that clients do not know, so that they end as soon as they are to begin."""

    name, packages, kept = "unknown", (), "nowhere"

    @contextlib.asynccontextmanager
    async def running(self, place: Workplace) -> AsyncIterator[str]:
        yield "nowhere"


async def test_a_candidate_that_ends_by_itself_ends_the_measurement(tmp_path: Path) -> None:
    with pytest.raises(LocalStackError, match="m1 has ended by itself"):
        await failover.measure(place(tmp_path), "unknown", Unknown(), kills=1)
