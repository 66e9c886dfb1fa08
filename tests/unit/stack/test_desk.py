"""The local stack's desk answers pages of its own site that show the secret, and nobody else."""

import http.client
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from firemesh.errors import LocalStackError
from firemesh_cli.stack.desk import DESK_HEADER, Desk
from firemesh_cli.stack.reading import Billed, MeterReading
from firemesh_cli.stack.site import CONFIG, publish_desk

SITE = "http://127.0.0.1:5000"
READING = MeterReading({("m1", "log"): Billed(reads=100_000, writes=3, deletes=2, failed_writes=1)})


class Neck:
    """Who leads, until somebody is killed."""

    def __init__(self) -> None:
        self.killed: list[str] = []

    def kill(self, mesh: str) -> str:
        if self.killed:
            raise LocalStackError("nobody leads")
        self.killed.append(mesh)
        return "m1"


@pytest.fixture
def neck() -> Neck:
    return Neck()


@pytest.fixture
def desk(neck: Neck) -> Iterator[Desk]:
    with Desk(SITE, bill=lambda: READING, kill_leader=neck.kill) as opened:
        yield opened


def call(desk: Desk, method: str, path: str, **headers: str) -> tuple[int, Mapping[str, Any], Mapping[str, str]]:
    connection = http.client.HTTPConnection(desk.url.removeprefix("http://"), timeout=60)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else {}, dict(answer.getheaders())
    finally:
        connection.close()


def of_the_site(desk: Desk) -> dict[str, str]:
    return {"Origin": SITE, DESK_HEADER: desk.secret}


def test_the_bill_is_what_the_meter_has_counted_and_its_price(desk: Desk) -> None:
    status, bill, headers = call(desk, "GET", "/bill", **of_the_site(desk))
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, SITE)
    assert bill == {"reads": 100_000, "writes": 3, "deletes": 2, "dollars": pytest.approx(0.0300029)}


def test_the_leader_is_killed_once_and_then_there_is_none(desk: Desk, neck: Neck) -> None:
    assert call(desk, "POST", "/meshes/demo-1/kill-leader", **of_the_site(desk))[:2] == (200, {"killed": "m1"})
    assert call(desk, "POST", "/meshes/demo-1/kill-leader", **of_the_site(desk))[:2] == (409, {"error": "nobody leads"})
    assert neck.killed == ["demo-1"]


@pytest.mark.parametrize(
    "changed",
    [
        {"Origin": "http://127.0.0.1:5001"},
        {"Origin": "null"},
        {"Origin": ""},
        {DESK_HEADER: "guessed"},
        {DESK_HEADER: ""},
        {DESK_HEADER: "é"},
        {"Host": "rebound.example"},
    ],
)
def test_another_page_of_this_machine_can_neither_kill_nor_read(desk: Desk, neck: Neck, changed: dict[str, str]) -> None:
    headers = {**of_the_site(desk), **changed}
    for method, path in (("POST", "/meshes/demo-1/kill-leader"), ("GET", "/bill")):
        status, content, _ = call(desk, method, path, **headers)
        assert (status, content.keys()) == (403, {"error"})
    assert neck.killed == []


def test_the_browser_is_told_beforehand_whose_pages_may_ask(desk: Desk) -> None:
    status, _, headers = call(desk, "OPTIONS", "/bill", Origin=SITE)
    assert (status, headers["Access-Control-Allow-Headers"]) == (204, DESK_HEADER)
    status, _, headers = call(desk, "OPTIONS", "/bill", Origin="http://elsewhere")
    assert status == 403
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("POST", "/bill"),
        ("GET", "/meshes/m1/kill-leader"),
        ("POST", "/meshes/M!/kill-leader"),
        ("POST", "/meshes"),
    ],
)
def test_nothing_else_is_there(desk: Desk, neck: Neck, method: str, path: str) -> None:
    assert call(desk, method, path, **of_the_site(desk))[0] == 404
    assert neck.killed == []


def test_the_site_tells_its_pages_where_the_desk_is_as_long_as_there_is_one(tmp_path: Path) -> None:
    config = tmp_path / CONFIG
    config.write_text('{"guest_key": "k"}')
    desk = {"url": "http://127.0.0.1:1", "secret": "s", "key": "k2"}
    publish_desk(tmp_path, desk)
    assert json.loads(config.read_text()) == {"guest_key": "k", "desk": desk}
    publish_desk(tmp_path, None)
    assert json.loads(config.read_text()) == {"guest_key": "k", "desk": None}
    assert [path.name for path in tmp_path.iterdir()] == [CONFIG]
