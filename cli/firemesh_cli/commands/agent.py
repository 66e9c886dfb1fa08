"""`firemesh agent`: run a process of a mesh, with managers or workers in it; see and end what runs elsewhere."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from firemesh_cli.actions import roster
from firemesh_cli.admitted import add_admission_options, admitted_agent, admitted_process
from firemesh_cli.connection import add_connection_options, connect

if TYPE_CHECKING:
    from firemesh.core.messages import Command
    from firemesh.runtime.process import AgentProcess
    from firemesh_cli.commands import Subparsers


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser("agent", help="run agents of a mesh in this process; list, provision and terminate them")
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    run = actions.add_parser(
        "run",
        help="run managers or workers until Ctrl-C",
        description="Run agents of a mesh in this process until Ctrl-C, then leave in good order. Workers play by script.",
    )
    run.add_argument("--mesh", required=True, help="the mesh to join")
    run.add_argument("--type", choices=("manager", "worker"), default="worker", help="default: worker")
    run.add_argument("--count", type=int, default=1, help="how many agents, 1 to 30 (default: 1)")
    run.add_argument("--agents", help="their ids, separated by commas (default: made from the process id)")
    run.add_argument("--process", help="name of this process in the mesh (default: a fresh one)")
    run.add_argument("--state-folder", type=Path, help="keep agents' state here, so that a restart goes on where it was")
    run.add_argument(
        "--neighbours",
        type=Path,
        metavar="FOLDER",
        help="managers of one machine that share this folder take over at once from one whose process was killed",
    )
    run.add_argument("--seed", type=int, default=1, help="seed of the scripted players (default: 1)")
    run.add_argument("--seat", type=int, default=0, help="number of the first player, which chooses the names (default: 0)")
    run.add_argument("--pace", type=float, default=1.0, help="stretches the players' thinking (default: 1.0)")
    run.add_argument("--heartbeat-ms", type=int, default=2000, help="a sign of life this often, 250 to 120000 (default: 2000)")
    run.add_argument("--journal", type=Path, help="append every command that is surely sent, as JSON, one per line")
    add_connection_options(run)
    add_admission_options(run)
    run.set_defaults(handler=lambda args: asyncio.run(_run(args)))
    roster.register(actions)


async def _run(args: argparse.Namespace) -> int:
    from firemesh.errors import InvalidParameters

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    ids = _agent_ids(args)
    if not 1 <= len(ids) <= 30:
        raise InvalidParameters(f"--count: a process runs 1 to 30 agents, not {len(ids)}")
    if args.neighbours and args.type != "manager":
        raise InvalidParameters("--neighbours is for managers: nobody takes over from a worker")
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    with ExitStack() as files:
        journal = files.enter_context(args.journal.open("a", encoding="utf-8")) if args.journal else None
        opened = admitted_process if args.api else _server_process
        async with opened(args, ids[0], **_process_options(args, journal)) as process:
            return await _work(process, args, ids, stopping)


def _agent_ids(args: argparse.Namespace) -> list[str]:
    from firemesh.ids import new_incarnation

    if args.api:
        return [admitted_agent(args)]
    args.process = args.process or f"{args.type}s-{new_incarnation()}"
    if args.agents:
        return [agent.strip() for agent in args.agents.split(",")]
    return [f"{args.process}-{number}" for number in range(1, args.count + 1)]


@asynccontextmanager
async def _server_process(args: argparse.Namespace, _: str, **options: Any) -> "AsyncIterator[AgentProcess]":
    """A process of the mesh with the credentials of this machine."""
    from firemesh.runtime.process import AgentProcess

    store = connect(args, args.process)
    try:
        yield await AgentProcess.open(store, args.mesh, args.process, neighbours=args.neighbours, **options)
    finally:
        await store.close()


def _process_options(args: argparse.Namespace, journal: TextIO | None) -> dict[str, Any]:
    from firemesh.runtime.pulse import HeartbeatPolicy

    def write_down(command: "Command") -> None:
        if journal is not None:
            print(command.model_dump_json(), file=journal, flush=True)

    return {
        "state_folder": args.state_folder,
        "heartbeat": HeartbeatPolicy.every(args.heartbeat_ms),
        "on_sent": write_down,
    }


async def _work(process: "AgentProcess", args: argparse.Namespace, ids: list[str], stopping: asyncio.Event) -> int:
    """Start the agents, wait for a signal, for their removal or for a failure, and leave in good order."""
    from firemesh.errors import InvariantViolation

    work = asyncio.create_task(_start_and_wait(process, args, ids))
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait([work, stop], return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    failure = None if work.cancelled() else work.exception()
    if isinstance(failure, InvariantViolation):
        await process.abandon()  # touch nothing more: the documents show what went wrong
    else:
        await process.stop()
    if failure is not None:
        raise failure
    return 0


async def _start_and_wait(process: "AgentProcess", args: argparse.Namespace, ids: list[str]) -> None:
    from firemesh.runtime.mesh import MANAGERS_WANTED
    from firemesh.runtime.scripted_behaviour import scripted_behaviour

    if args.type == "manager":
        for manager in [await process.add_manager(agent) for agent in ids]:
            voters = manager.driver.manager.state.head.voters.managers
            if len(voters) < MANAGERS_WANTED:
                logging.warning("%s manager(s) so far; run at least %s", len(voters), MANAGERS_WANTED)
    else:
        for number, agent in enumerate(ids, start=args.seat):
            player = scripted_behaviour(process.machine_name, agent, seed=args.seed, number=number, pace=args.pace)
            await process.add_worker(agent, player)
    print(f"ready: {', '.join(ids)}", flush=True)
    await process.run_until_ended()
