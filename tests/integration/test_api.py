"""The control plane in the real functions emulator: from a key made at the command line to a member under the rules."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from firemesh.client.id_tokens import Authentication, IdTokens
from firemesh.errors import PermissionDenied
from firemesh.store import paths
from firemesh.store.base import Create
from firemesh.store.firestore import FirestoreStore
from firemesh_cli.stack.supervisor import LocalStack

PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def stack(functions_stack: LocalStack) -> LocalStack:
    return functions_stack


@pytest.fixture(scope="module")
def admin(stack: LocalStack) -> str:
    return firemesh(stack, "key", "create", "--role", "admin")


def firemesh(stack: LocalStack, *arguments: str, key: str = "") -> str:
    """What a command of the command line prints."""
    environment = {**os.environ, **stack.environment(), "FIREMESH_API_KEY": key}
    command = [sys.executable, "-m", "firemesh_cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def call(stack: LocalStack, key: str, method: str, path: str, body: Any = None) -> tuple[int, Any, Mapping[str, str]]:
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(stack.api_url + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), dict(error.headers)


def log_once_it_names(stack: LocalStack, *names: str) -> str:
    """What the emulators have written, when all of this has come through: what a function prints takes its time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        written = (stack.log_folder / "emulators.log").read_text(errors="replace")
        if all(name in written for name in names):
            return written
        assert time.monotonic() < deadline, f"the log never named {names}"
        time.sleep(0.05)


def test_a_mesh_is_operated_from_outside(stack: LocalStack, admin: str) -> None:
    mesh = {"mesh_id": "outside", "machine": "counter"}
    assert call(stack, admin, "POST", "/v1/meshes", mesh)[0] == 201
    assert call(stack, admin, "POST", "/v1/meshes", mesh)[0] == 409
    status, report, headers = call(stack, admin, "GET", "/v1/meshes/outside")
    assert (status, report["machine"]) == (200, "counter")
    assert headers["cache-control"] == "private, no-store"
    records = call(stack, admin, "GET", "/v1/meshes/outside/audit")[1]["records"]
    assert [(row["operation"], row["allowed"]) for row in records] == [("create_mesh", True), ("create_mesh", True)]
    assert "outside" in firemesh(stack, "mesh", "list").split()


def test_the_command_line_works_through_the_interface(stack: LocalStack, admin: str) -> None:
    through = ("--api", stack.api_url)
    firemesh(stack, "mesh", "create", "by-command", "--machine", "counter", *through, key=admin)
    assert "by-command" in firemesh(stack, "mesh", "list", *through, key=admin).split()
    report = json.loads(firemesh(stack, "mesh", "status", "by-command", "--json", *through, key=admin))
    assert (report["machine"], report["managers"]) == ("counter", [])
    with pytest.raises(subprocess.CalledProcessError) as raised:
        firemesh(stack, "mesh", "status", "missing", *through, key=admin)
    assert raised.value.returncode == 1
    assert "404 not-found" in raised.value.stderr


def test_a_mesh_is_operated_to_its_end_by_commands_with_a_key(stack: LocalStack, admin: str) -> None:
    def operate(*arguments: str, key: str = admin) -> str:
        return firemesh(stack, *arguments, "--api", stack.api_url, key=key)

    operate("mesh", "create", "ending", "--machine", "counter")
    assert "ending" in json.loads(operate("mesh", "list", "--json"))["meshes"]
    operator = operate("key", "create", "--role", "operator", "--mesh", "ending")
    made = json.loads(operate("agent", "provision", "ann", "--mesh", "ending", "--json", key=operator))
    agent = made["key"]
    assert (made["agent"], made["mesh"], made["key_id"]) == ("ann", "ending", agent.split("_")[2])
    assert call(stack, agent, "POST", "/v1/meshes/ending/agents", {"agent_id": "bob"})[0] == 403
    assert call(stack, agent, "POST", "/v1/meshes/ending/agents", {"agent_id": "ann"})[0] == 201
    operate("mesh", "drain", "ending", key=operator)
    trail = [json.loads(line) for line in operate("audit", "tail", "--mesh", "ending", "--no-follow", "--json").splitlines()]
    assert [(row["operation"], row["allowed"]) for row in trail] == [
        *(("create_mesh", True), ("create_key", True), ("provision_agent", True)),
        *(("join_mesh", False), ("join_mesh", True), ("drain_mesh", True)),
    ]
    assert operate("audit", "tail", "--mesh", "ending", "--verify", key=operator) == "6 records, all in place"
    assert "deleted" in operate("mesh", "delete", "ending")
    assert call(stack, admin, "GET", "/v1/meshes/ending")[0] == 404
    assert call(stack, operator, "GET", "/v1/meshes/ending")[0] == 401


def test_bodies_pass_whole_and_the_unfit_are_refused(stack: LocalStack, admin: str) -> None:
    answers = [call(stack, admin, "POST", "/v1/meshes", body)[0] for body in (b"{", b"x" * 100_000, {"mesh_id": "A"})]
    assert answers == [400, 413, 400]


def test_of_many_who_create_one_mesh_at_once_one_wins(stack: LocalStack, admin: str) -> None:
    body = {"mesh_id": "contested", "machine": "counter"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: call(stack, admin, "POST", "/v1/meshes", body)[0], range(4)))
    assert sorted(answers) == [201, 409, 409, 409]


async def test_a_worker_key_leads_into_its_mesh_under_the_rules_and_into_no_other(stack: LocalStack, admin: str) -> None:
    for name in ("joined", "foreign"):
        assert call(stack, admin, "POST", "/v1/meshes", {"mesh_id": name, "machine": "counter"})[0] == 201
    key = firemesh(stack, "key", "create", "--role", "worker", "--mesh", "joined")
    assert call(stack, key, "POST", "/v1/meshes/foreign/agents", {"agent_id": "w1"})[0] == 403
    status, admission, _ = call(stack, key, "POST", "/v1/meshes/joined/agents", {"agent_id": "w1"})
    assert (status, admission["type"], admission["access_role"]) == (201, "worker", "worker")
    clock = iter((0.0, 0.0, *(3000.0,) * 100))  # the second token is a renewed one
    tokens = IdTokens(admission["custom_token"], Authentication(host=stack.auth_host), now=lambda: next(clock))
    agent = FirestoreStore(stack.project, host=stack.firestore_host, token=tokens)
    try:
        join = {"agent_id": "w1", "inc": admission["inc"], "seq": 1, "kind": "mesh.join"}
        payload = '{"process":"client-w1","replaces":[],"type":"worker"}'
        request = paths.request_id("w1", admission["inc"], 1)
        await agent.commit([Create(paths.request("joined", request), {**join, "payload": payload})])
        with pytest.raises(PermissionDenied):
            await agent.get_all([paths.mesh("joined")])
        with pytest.raises(PermissionDenied):
            await agent.commit([Create(paths.request("foreign", request), {**join, "payload": payload})])
        own_row = paths.agent("joined", "w1")
        assert (await agent.get_all([own_row])).documents == {}
        firemesh(stack, "key", "revoke", key.split("_")[2])
        with pytest.raises(PermissionDenied):
            await agent.get_all([own_row])
    finally:
        await agent.close()


def test_a_revoked_key_is_refused_by_its_next_call(stack: LocalStack) -> None:
    key = firemesh(stack, "key", "create", "--role", "operator")
    assert call(stack, key, "GET", "/v1/meshes")[0] == 200
    key_id = key.split("_")[2]
    firemesh(stack, "key", "revoke", key_id)
    assert call(stack, key, "GET", "/v1/meshes")[0] == 401
    listed = json.loads(firemesh(stack, "key", "list", "--json"))
    assert listed[key_id]["revoked_ms"] > 0


def control(stack: LocalStack, data: Any, token: str = "") -> tuple[int, Any, Mapping[str, str]]:
    """What the callable answers to a page of another origin."""
    url = stack.function_url("control")
    headers = {"Content-Type": "application/json", "Origin": "https://a.page"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = data if isinstance(data, bytes) else json.dumps({"data": data}).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            return answer.status, json.load(answer), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), dict(error.headers)


def test_any_page_may_call(stack: LocalStack) -> None:
    asked = {"Origin": "https://a.page", "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "authorization,content-type"
    preflight = urllib.request.Request(stack.function_url("control"), headers=asked, method="OPTIONS")
    with urllib.request.urlopen(preflight) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] in ("*", "https://a.page")
        assert {"authorization", "content-type"} <= set(answer.headers["Access-Control-Allow-Headers"].lower().split(", "))


async def test_a_browser_joins_signs_in_and_asks_by_its_token(stack: LocalStack, admin: str) -> None:
    made = {"operation": "create_mesh", "arguments": {"mesh_id": "browsed", "machine": "counter"}, "api_key": admin}
    status, answer, headers = control(stack, made)
    assert (status, answer) == (200, {"result": {"mesh_id": "browsed"}})
    assert headers["access-control-allow-origin"] in ("*", "https://a.page")
    key = firemesh(stack, "key", "create", "--role", "worker", "--mesh", "browsed")
    join = {"operation": "join_mesh", "arguments": {"mesh_id": "browsed", "agent_id": "w1"}, "api_key": key}
    admission = control(stack, join)[1]["result"]
    id_token = await IdTokens(admission["custom_token"], Authentication(host=stack.auth_host), now=lambda: 0.0)()
    asked = {"operation": "get_mesh_status", "arguments": {"mesh_id": "browsed"}}
    assert control(stack, asked, id_token)[1]["result"]["machine"] == "counter"
    assert control(stack, {**asked, "arguments": {"mesh_id": "outside"}}, id_token)[1]["error"]["status"] == "PERMISSION_DENIED"
    firemesh(stack, "key", "revoke", key.split("_")[2])
    assert control(stack, asked, id_token)[1]["error"]["status"] == "UNAUTHENTICATED"


def test_a_call_of_a_browser_that_is_none_is_refused_in_its_protocol(stack: LocalStack) -> None:
    for body, token, status in ((b"{", "", "INVALID_ARGUMENT"), ({"operation": "list_meshes"}, "forged", "UNAUTHENTICATED")):
        assert control(stack, body, token)[1]["error"]["status"] == status


def test_no_secret_is_written_to_the_logs(stack: LocalStack, admin: str) -> None:
    asked = {"operation": "get_mesh_status", "arguments": {"mesh_id": "told-to-the-callable"}, "api_key": admin}
    call(stack, admin, "GET", "/v1/meshes/told-to-the-api")
    control(stack, asked)
    written = log_once_it_names(stack, "told-to-the-api", "told-to-the-callable")
    assert "access decision" in written
    assert admin.split("_", 3)[3] not in written
    assert stack.environment()["API_KEY_PEPPER"] not in written
