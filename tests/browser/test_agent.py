"""The browser's agent in a real Chromium, in a mesh that functions host, under the real rules."""

import json
from typing import Any

from firemesh_cli.stack.supervisor import LocalStack
from tests.support.browser import Browser, Tab
from tests.support.command_line import firemesh

STATUS = "return agent.status"
TOTAL = "return agent.view('public')?.view.total ?? 0"
UNHURRIED = {"activeMs": 30_000, "idleMs": 30_000, "idleAfterMs": 600_000, "asleepMs": 30_000, "asleepAfterMs": 900_000}
"""Signs of life so far apart that the mesh waits for them for a minute and a half: longer than any reload takes."""
# Whether the worker has written the third command down, be it sent by now or not: before that a reload may lose it.
KEPT = """
    const found = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
    const database = await found(indexedDB.open("firemesh"));
    const { memory } = await found(database.transaction("agents").objectStore("agents").get("of-a-tab/w1"));
    database.close();
    return memory.sent >= 3 || [memory.open, ...memory.queue].some((each) => each?.payload === '{"n":3}');
"""


def worker_key(stack: LocalStack, mesh: str) -> str:
    """A mesh that functions host, and a key to it."""
    firemesh(stack, "mesh", "create", mesh, "--machine", "counter", "--hosting", "functions")
    return firemesh(stack, "key", "create", "--role", "worker", "--mesh", mesh)


def host(tab: Tab, mesh: str, key: str, **more: Any) -> None:
    """Let the page run agent w1, as an app would."""
    options = json.dumps({"mesh": mesh, "agent": "w1", "ticket": {"kind": "key", "key": key}, **more})
    tab.run(f"""
        const {{ WorkerAgent }} = await import("/agent.js");
        window.agent = new WorkerAgent({options});
        agent.start();
    """)


def until_connected(tab: Tab) -> Any:
    return tab.until(STATUS, lambda status: status["connection"] == "CONNECTED")


def test_a_page_joins_sends_sees_and_goes_on_after_a_reload_and_a_second_tab_is_told(
    functions_stack: LocalStack, browser: Browser
) -> None:
    key = worker_key(functions_stack, "of-a-tab")
    tab = browser.open("one", f"{functions_stack.site_url}/agent.js")
    host(tab, "of-a-tab", key, heartbeat=UNHURRIED)
    first = until_connected(tab)
    assert tab.run("return agent.sendToManager('counter.add', { n: 2 })") == 2
    tab.until(TOTAL, lambda total: total == 2)
    assert tab.run("return agent.updateState({ mood: 'calm' })") == 1

    tab.run("void agent.sendToManager('counter.add', { n: 3 })")
    tab.until(KEPT)
    tab.reload()
    host(tab, "of-a-tab", key, heartbeat=UNHURRIED)
    again = until_connected(tab)
    assert again["inc"] == first["inc"]
    tab.until(TOTAL, lambda total: total == 5)
    assert tab.run("return agent.getState()") == {"mood": "calm"}

    second = browser.open("two", f"{functions_stack.site_url}/agent.js")
    host(second, "of-a-tab", key, heartbeat=UNHURRIED)
    lost = second.until(STATUS, lambda status: status["connection"] == "LOST")
    assert lost["reason"] == "OTHER_TAB"
    second.run("agent.start({ takeOver: true })")
    assert until_connected(second)["inc"] == first["inc"]
    tab.until(STATUS, lambda status: status["reason"] == "OTHER_TAB")
    second.run("await agent.stop()")
    assert second.run(STATUS)["connection"] == "STOPPED"


def test_a_page_whose_key_is_revoked_is_told_so(functions_stack: LocalStack, browser: Browser) -> None:
    key = worker_key(functions_stack, "revoked")
    tab = browser.open("one", f"{functions_stack.site_url}/agent.js")
    host(tab, "revoked", key)
    until_connected(tab)
    firemesh(functions_stack, "key", "revoke", key.split("_")[2])
    lost = tab.until(STATUS, lambda status: status["connection"] == "LOST")
    assert lost["reason"] == "TICKET_REFUSED"
    assert "revoked" in lost["text"]
