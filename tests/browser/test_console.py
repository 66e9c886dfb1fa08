"""An operator at the console, in a real tab: a mesh of real processes, the real rules, nothing but an API key."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from firemesh.core.params import DEFAULT
from firemesh_cli.stack.supervisor import LocalStack
from tests.integration.crew import STEADY, Crew
from tests.support.browser import Browser, Tab

SETUP = {"seats": 5, "seed": 3, "durations_ms": {"lobby": 600_000}}
SIGN_IN = """
    const field = document.querySelector("#key");
    field.value = {key};
    field.form.requestSubmit();
"""
ALERT = "return (document.querySelector('[role=alert]')?.textContent ?? '')"
LISTED = "return [...document.querySelectorAll('.meshes a')].map((each) => each.textContent)"
STANDING = "return document.querySelector('.standing .lead')?.textContent ?? ''"
LINE = "return document.querySelector('.line')?.textContent ?? ''"
TERMS = "return document.querySelector('.terms')?.innerText ?? ''"
LOG = "return document.querySelector('[aria-labelledby=log-title]')?.innerText ?? ''"
AUDIT = "return document.querySelector('[aria-labelledby=audit-title]')?.innerText ?? ''"
ROLES = "return document.querySelector('[aria-labelledby=secrets-title]')?.innerText ?? ''"
GAPS = "return document.querySelectorAll('.history .gap').length"
# Whether there was a button that begins so; if there was, it has been touched.
CLICK = """
    const all = [...document.querySelectorAll("dialog button, button")];
    const button = all.find((each) => each.textContent.trim().replace(/\\s+/g, " ").startsWith({text}));
    button?.click();
    return button !== undefined;
"""


def key(stack: LocalStack, role: str, mesh: str, *options: str) -> str:
    command = [sys.executable, "-m", "firemesh_cli", "key", "create", "--role", role, "--mesh", mesh, *options]
    environment = {**os.environ, **stack.environment()}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def click(tab: Tab, text: str) -> None:
    tab.until(CLICK.replace("{text}", json.dumps(text)))


def sign_in(tab: Tab, with_key: str) -> None:
    tab.until("return document.querySelector('#key') !== null")
    tab.run(SIGN_IN.replace("{key}", json.dumps(with_key)))


def let_lead(tab: Tab, heir: str) -> None:
    """See who leads, have another take over, and see that it does."""
    tab.until(LINE, lambda text: text == "Live")
    before = term(tab.until(STANDING, lambda text: term(text) > 0))
    click(tab, f"Let it lead: {heir}")
    click(tab, f"Let {heir} lead")
    tab.until(STANDING, lambda text: text.startswith(f"{heir} leads") and term(text) > before)
    tab.until(LOG, lambda text: f"transfer {heir}" in text)
    tab.until(AUDIT, lambda text: f"transfer leadership {heir}" in text)


def term(standing: str) -> int:
    """The term that the title tells; 0 when it tells none."""
    found = re.search(r"leads in term (\d+)", standing)
    return int(found[1]) if found else 0


def ask_for_roles(tab: Tab) -> None:
    click(tab, "Show every role")
    tab.until("return document.querySelector('dialog[open]') !== null")
    tab.run("document.querySelector('dialog form').requestSubmit()")


async def test_an_operator_sees_who_leads_lets_another_lead_and_sees_a_leader_die(
    functions_stack: LocalStack, browser: Browser, tmp_path: Path
) -> None:
    host, project = functions_stack.firestore_host, functions_stack.project
    # Leases that outlast any pause of a busy machine: who leads is changed by the operator, and then by the kill.
    async with Crew.aboard(host, tmp_path, machine="mafia", setup=SETUP, project=project, params=DEFAULT) as crew:
        await crew.managers(state=False)
        await crew.until(lambda: crew.leader)
        leader = crew.leader
        heir = next(each for each in ("m1", "m2", "m3") if each != leader)
        operator = await asyncio.to_thread(key, functions_stack, "operator", crew.mesh_id)
        tab = await asyncio.to_thread(browser.open, "desk", f"{functions_stack.site_url}/console/")
        await asyncio.to_thread(sign_in, tab, operator)
        await asyncio.to_thread(tab.until, LISTED, lambda ids: ids == [crew.mesh_id])
        assert operator not in await asyncio.to_thread(tab.run, "return location.href + JSON.stringify(sessionStorage)")
        await asyncio.to_thread(tab.run, "document.querySelector('.meshes a').click()")
        await asyncio.to_thread(let_lead, tab, heir)

        await crew.members[f"p{heir}"].kill()
        await asyncio.to_thread(tab.until, STANDING, lambda text: term(text) > 0 and not text.startswith(heir))
        await asyncio.to_thread(tab.until, TERMS, lambda text: "without a sign of a leader" in text)
        assert await asyncio.to_thread(tab.run, GAPS) >= 1


async def test_what_players_know_takes_a_key_that_names_it_and_stands_in_the_trail_either_way(
    functions_stack: LocalStack, browser: Browser, tmp_path: Path
) -> None:
    host, project = functions_stack.firestore_host, functions_stack.project
    async with Crew.aboard(host, tmp_path, machine="mafia", setup=SETUP, project=project, params=STEADY) as crew:
        await (await crew.process("pm1")).add_manager("m1")
        hand = await crew.hand()
        await hand.send_to_manager("mafia.sit", {"name": "Ada"})
        await crew.until_stored("views/agent_hand", lambda fields: fields["view"])
        operations = "watch_mesh,read_log,read_secrets"
        mighty, named = await asyncio.gather(
            asyncio.to_thread(key, functions_stack, "admin", crew.mesh_id),
            asyncio.to_thread(key, functions_stack, "operator", crew.mesh_id, "--operations", operations),
        )
        url = f"{functions_stack.site_url}/console/#/mesh/{crew.mesh_id}"
        admin = await asyncio.to_thread(browser.open, "admin", url)
        await asyncio.to_thread(sign_in, admin, mighty)
        await asyncio.to_thread(ask_for_roles, admin)
        await asyncio.to_thread(admin.until, ALERT, lambda text: "KEY_OPERATIONS" in text)
        await asyncio.to_thread(admin.until, AUDIT, lambda text: "read secrets\tdenied: KEY_OPERATIONS" in text)
        assert await asyncio.to_thread(admin.run, ROLES) == ""

        moderator = await asyncio.to_thread(browser.open, "moderator", url)
        await asyncio.to_thread(sign_in, moderator, named)
        await asyncio.to_thread(ask_for_roles, moderator)
        await asyncio.to_thread(moderator.until, ROLES, lambda text: "Ada" in text)
        await asyncio.to_thread(admin.until, AUDIT, lambda text: "read secrets\tallowed" in text)
