"""A process for the one agent that the control plane admits to a mesh, with nothing but an API key."""

import argparse
import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from firemesh.errors import InvalidParameters
from firemesh_cli.api_client import ApiClient, add_api_option, add_key_options, chosen_key
from firemesh_cli.connection import chosen_project, connect

if TYPE_CHECKING:
    from firemesh.client.id_tokens import Authentication
    from firemesh.client.rest_mesh import RestMesh
    from firemesh.client.ruled_mesh import RuledMesh
    from firemesh.runtime.admission import Admission, AdmissionSource
    from firemesh.runtime.process import AgentProcess
    from firemesh.store.base import Store

WEB_KEY_VARIABLE = "FIREMESH_WEB_API_KEY"


def add_admission_options(parser: argparse.ArgumentParser) -> None:
    """Add what a process needs that has an API key instead of server credentials."""
    add_api_option(parser)
    add_key_options(parser)
    parser.add_argument(
        "--transport",
        choices=("firestore", "rest"),
        default="firestore",
        help="with --api, take part on Firestore itself, or over HTTP alone (default: firestore)",
    )
    parser.add_argument(
        "--web-api-key",
        help=f"the project's web API key, which is no secret (default: ${WEB_KEY_VARIABLE}; the local stack needs none)",
    )


def admitted_agent(args: argparse.Namespace) -> str:
    """The one agent that a process with an API key runs.

    Raises:
        InvalidParameters: the options ask for what only server credentials allow.
    """
    from firemesh.ids import new_incarnation

    if args.type == "manager":
        raise InvalidParameters("a manager reads the whole log: it needs server credentials, so run it without --api")
    if args.process:
        raise InvalidParameters("--process: with --api the process is called after its agent")
    agents = [agent.strip() for agent in (args.agents or f"worker-{new_incarnation()}").split(",")]
    if len(agents) != 1 or args.count != 1:
        raise InvalidParameters("with --api a process runs one agent: start another process for another agent")
    return agents[0]


@asynccontextmanager
async def admitted_process(args: argparse.Namespace, agent_id: str, **options: Any) -> "AsyncIterator[AgentProcess]":
    """A process for this agent, admitted at --api: bound by the security rules, or calling the REST interface.

    Raises:
        InvalidParameters: an option is missing.
        MeshError: what the control plane refuses, in its own words.
    """
    from firemesh.runtime.process import AgentProcess

    key = chosen_key(args)
    source = _admission_source(args, agent_id, key)
    mesh = await (_rest_mesh(args, source, key) if args.transport == "rest" else _ruled_mesh(args, source))
    try:
        yield AgentProcess.admitted(mesh, mesh.admission, **options)
    finally:
        await mesh.close()


def _admission_source(args: argparse.Namespace, agent_id: str, key: str) -> "AdmissionSource":
    from pydantic import TypeAdapter

    from firemesh.runtime.admission import Admission

    api = ApiClient(args.api, key)
    path = f"/meshes/{quote(args.mesh, safe='')}/agents"

    async def ask() -> "Admission":
        answer = await asyncio.to_thread(api.call, "POST", path, {"agent_id": agent_id})
        return TypeAdapter(Admission).validate_python(answer)

    return ask


async def _rest_mesh(args: argparse.Namespace, source: "AdmissionSource", key: str) -> "RestMesh":
    from firemesh.client.rest_calls import RestCalls
    from firemesh.client.rest_mesh import RestMesh

    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request would hide all others
    return await RestMesh.enter(RestCalls(args.api, key), source)


async def _ruled_mesh(args: argparse.Namespace, source: "AdmissionSource") -> "RuledMesh":
    from firemesh.client.id_tokens import IdTokens
    from firemesh.client.ruled_mesh import RuledMesh

    authentication = _authentication(args)
    chosen_project(args)  # missed before anybody is asked

    def connect_as(admission: "Admission") -> "Store":
        # The wall clock, because it goes on while the machine sleeps.
        tokens = IdTokens(admission.custom_token, authentication, now=time.time)
        return connect(args, admission.process, token=tokens)

    return await RuledMesh.enter(source, connect_as)


def _authentication(args: argparse.Namespace) -> "Authentication":
    from firemesh.client.id_tokens import Authentication

    host = os.environ.get("FIREBASE_AUTH_EMULATOR_HOST", "")
    if host:
        return Authentication(host=host)
    key = args.web_api_key or os.environ.get(WEB_KEY_VARIABLE, "")
    if not key:
        raise InvalidParameters(f"no web API key: give --web-api-key or set {WEB_KEY_VARIABLE} (project settings show it)")
    return Authentication(key)
