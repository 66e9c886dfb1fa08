"""The browser's agent in a real Chromium, in a mesh that functions host, under the real rules."""

import json
import urllib.request
from typing import Any

from firemesh_cli.stack.supervisor import LocalStack
from tests.support.browser import Browser, Tab
from tests.support.command_line import firemesh

STATUS = "return agent.status"
TOTAL = "return agent.view('public')?.view.total ?? 0"


def worker_key(stack: LocalStack, mesh: str) -> str:
    """A mesh that functions host, and a key to it."""
    firemesh(stack, "mesh", "create", mesh, "--machine", "counter", "--hosting", "functions")
    return firemesh(stack, "key", "create", "--role", "worker", "--mesh", mesh)


def host(tab: Tab, mesh: str, key: str, *, agent: str = "w1", ticket: Any = None) -> None:
    """Let the page run an agent, as an app would."""
    options = json.dumps({"mesh": mesh, "agent": agent, "ticket": ticket or {"kind": "key", "key": key}})
    tab.run(f"""
        const {{ WorkerAgent }} = await import("/agent.js");
        window.agent = new WorkerAgent({options});
        window.heard = [];
        for (const name of ["CONNECTED", "SUSPENDED", "LOST"]) agent.on(name, ({{ reason }}) => heard.push([name, reason]));
        agent.start();
    """)


def until_connected(tab: Tab) -> Any:
    return tab.until(STATUS, lambda status: status["connection"] == "CONNECTED")


def guest(stack: LocalStack) -> tuple[str, Any]:
    """The site's guest key, and a game that was opened with it."""
    key = firemesh(stack, "key", "create", "--role", "guest")
    return key, call(stack, key, "/v1/games", {"seats": 5})


def call(stack: LocalStack, key: str, path: str, body: Any = None) -> Any:
    """What the control plane answers to a POST of a body, or to a GET without one."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(stack.api_url + path, data, headers)) as answer:
        return json.load(answer)


def test_a_page_joins_sends_sees_and_goes_on_after_a_reload_and_a_second_tab_is_told(
    functions_stack: LocalStack, browser: Browser
) -> None:
    key = worker_key(functions_stack, "of-a-tab")
    tab = browser.open("one", f"{functions_stack.site_url}/agent.js")
    host(tab, "of-a-tab", key)
    first = until_connected(tab)
    assert tab.run("return agent.sendToManager('counter.add', { n: 2 })") == 2
    tab.until(TOTAL, lambda total: total == 2)
    assert tab.run("return agent.updateState({ mood: 'calm' })") == 1

    tab.run("void agent.sendToManager('counter.add', { n: 3 })")
    tab.reload()
    host(tab, "of-a-tab", key)
    again = until_connected(tab)
    assert again["inc"] == first["inc"]
    tab.until(TOTAL, lambda total: total == 5)
    assert tab.run("return agent.getState()") == {"mood": "calm"}

    second = browser.open("two", f"{functions_stack.site_url}/agent.js")
    host(second, "of-a-tab", key)
    lost = second.until(STATUS, lambda status: status["connection"] == "LOST")
    assert lost["reason"] == "OTHER_TAB"
    second.run("agent.start({ takeOver: true })")
    assert until_connected(second)["inc"] == first["inc"]
    assert tab.until("return agent.status.reason") == "OTHER_TAB"
    second.run("await agent.stop()")
    assert second.run(STATUS)["connection"] == "STOPPED"


def test_a_guest_sits_down_in_an_open_game_and_another_one_watches(functions_stack: LocalStack, browser: Browser) -> None:
    key, game = guest(functions_stack)
    mesh = game["mesh_id"]
    admission = call(functions_stack, key, f"/v1/games/{mesh}/seats", {})
    ticket = {"kind": "seat", "key": key, "session": admission["session"], "admission": admission}
    player = browser.open("player", f"{functions_stack.site_url}/agent.js")
    host(player, mesh, key, agent=admission["agent"], ticket=ticket)
    until_connected(player)
    player.run("return agent.sendToManager('mafia.sit', { name: 'Ada' })")
    watcher = browser.open("watcher", f"{functions_stack.site_url}/agent.js")
    watcher.run(f"""
        const {{ Spectator }} = await import("/agent.js");
        window.agent = new Spectator({json.dumps({"mesh": mesh, "key": key})});
        agent.start();
    """)
    seats = watcher.until("return agent.view('public')?.view.seats ?? []")
    assert [seat["name"] for seat in seats] == ["Ada"]
    assert until_connected(watcher)["inc"] == ""
    assert watcher.run("return agent.view('own') ?? null") is None


def test_a_page_whose_key_is_revoked_is_told_so(functions_stack: LocalStack, browser: Browser) -> None:
    key = worker_key(functions_stack, "revoked")
    tab = browser.open("one", f"{functions_stack.site_url}/agent.js")
    host(tab, "revoked", key)
    until_connected(tab)
    firemesh(functions_stack, "key", "revoke", key.split("_")[2])
    lost = tab.until(STATUS, lambda status: status["connection"] == "LOST")
    assert lost["reason"] == "TICKET_REFUSED"
    assert "revoked" in lost["text"]
