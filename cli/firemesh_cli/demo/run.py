"""One demo from beginning to end: mesh, processes, strike, end of the game, proof, bill."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from itertools import starmap
from typing import Any

from firemesh.core.invariants import Checker
from firemesh.core.messages import Command
from firemesh.errors import LocalStackError, MeshError
from firemesh.game.registry import machine_named
from firemesh.ids import new_incarnation
from firemesh.runtime.mesh import Mesh
from firemesh.runtime.watch_supervisor import supervised
from firemesh.store.base import Store
from firemesh.store.firestore import connect
from firemesh.store.mesh_store import Hosting, MeshStore
from firemesh_cli.demo import evidence, mixed, strike
from firemesh_cli.demo.desk import desk_open
from firemesh_cli.demo.door import Door
from firemesh_cli.demo.fleet import Fleet, Member
from firemesh_cli.demo.mixed import Loss
from firemesh_cli.demo.observer import Observer
from firemesh_cli.demo.options import DRAIN_SECONDS_MAX, DemoOptions, Managers
from firemesh_cli.demo.pages import Pages
from firemesh_cli.demo.picture import Picture, ProcessLine
from firemesh_cli.demo.strike import Strike
from firemesh_cli.demo.takeover import Takeovers
from firemesh_cli.stack.meter import read_meter
from firemesh_cli.stack.prices import dollars
from firemesh_cli.stack.reading import MeterReading
from firemesh_cli.stack.supervisor import LocalStack

MACHINE = "mafia"
FRAME_SECONDS = 0.25
ID_CHARS = 6
"""Of the mesh's id: people read it, and the emulators were empty when the demo began."""

Show = Callable[[Picture], None]


async def run_demo(options: DemoOptions, stack: LocalStack, meter_host: str, show: Show) -> Mapping[str, Any]:
    """Play one game on a running stack; the report (see `verdict.problems` for what it fails to prove).

    Processes reach Firestore through the billing meter at `meter_host`. The stack's functions may still be starting, unless
    they manage the mesh.

    Raises:
        LocalStackError: a process would not start or ended by itself, or the game did not end in time.
    """
    store = connect(stack.project, stack.firestore_host)
    mesh_id = f"demo-{new_incarnation()[:ID_CHARS]}"
    door = Door(stack, store, mesh_id)
    try:
        await Mesh.create(
            store,
            mesh_id,
            machine=MACHINE,
            setup=options.setup,
            params=options.params,
            hosting=options.mesh_hosting,
            also=(await door.seat_key(),),
        )
        return await _Demo(options, stack=stack, store=store, door=door, meter_host=meter_host, show=show).run()
    finally:
        await store.close()


@dataclass(frozen=True, slots=True)
class _Sent:
    """What the agents knew to be in the inbox when the game was over, and whether the inbox was empty soon after."""

    commands: Sequence[Command]
    drained: bool


class _Demo:
    """The parts of one running demo."""

    def __init__(
        self, options: DemoOptions, *, stack: LocalStack, store: Store, door: Door, meter_host: str, show: Show
    ) -> None:
        self._options = options
        self._stack = stack
        self._store = store
        self._door = door
        self._mesh = MeshStore(store, door.mesh_id)
        self._machine = machine_named(MACHINE)
        self._checker: Checker[Any] = Checker(self._machine, options.setup)
        self._observer = Observer(self._mesh, self._checker)
        self._fleet = Fleet(door.mesh_id, meter_host, stack.owned_environment(), stack.log_folder, options)
        self._pages = Pages(door, stack.owned_environment(), stack.log_folder, options)
        self._takeovers = Takeovers(store, door.mesh_id, self._fleet, self._observer)
        self._addresses: tuple[str, ...] = ()
        self._meter_host = meter_host
        self._show = show
        self._billed = MeterReading()
        self._strike: Strike | None = None
        self._loss: Loss | None = None

    async def run(self) -> Mapping[str, Any]:
        self._observer.start()
        frames = asyncio.create_task(self._show_frames())
        game = asyncio.create_task(self._play())
        page = asyncio.create_task(self._open_page())
        try:
            await asyncio.wait([frames, game], return_when=asyncio.FIRST_COMPLETED)
            if not game.done():
                frames.result()  # only an error ends the frames
            sent = game.result()
        finally:
            frames.cancel()
            game.cancel()
            page.cancel()
            await asyncio.gather(frames, game, page, return_exceptions=True)
            await asyncio.gather(self._fleet.stop(), self._pages.stop())
            await self._observer.stop()
        if not page.cancelled():
            page.result()  # raises a mistake of ours; what else befell the page was noted
        if self._options.mesh_hosting is Hosting.FUNCTIONS:
            await self._drain()  # of what the stopping processes sent: the functions go on without them
        return await self._report(sent)

    async def _play(self) -> "_Sent":
        """Start everything, let the leader be struck, wait for the end of the game; what the agents surely sent."""
        await asyncio.gather(self._fleet.start(), self._pages.start())
        striking = asyncio.create_task(self._strike_leader())
        try:
            async with asyncio.timeout(self._options.seconds_max()):
                await self._observer.until(lambda: self._observer.phase == "over")
                if self._loss is not None or any(member.state == "paused" for member in self._fleet.members):
                    await striking
        except TimeoutError as error:
            raise LocalStackError(f"the game did not end within {self._options.seconds_max():.0f} s") from error
        finally:
            striking.cancel()
            await asyncio.gather(striking, return_exceptions=True)
        sent = _Sent(self._fleet.journalled(), drained=await self._drain())
        self._billed = await read_meter(self._meter_host)
        self._show(self._picture())
        return sent

    async def _open_page(self) -> None:
        """Have the page answer as soon as it can, while the game is on already; let people take over seats if they may."""
        try:
            while not await asyncio.to_thread(self._stack.functions_ready, FRAME_SECONDS):
                pass
            if self._options.mesh_hosting is Hosting.PROCESSES:
                # The functions would look at every command, and a small machine has better things to do.
                await asyncio.to_thread(self._stack.switch_triggers, on=False)
            if self._options.keep:
                await self._door.offer_seats()
            key = await self._door.operator_key()
            with desk_open(self._stack, self._observer, self._fleet, key=key, bill=lambda: self._billed):
                self._addresses = (self._door.page, self._door.console)
                if self._options.keep:
                    await self._takeovers.attend()
                await asyncio.Event().wait()  # until the game is over
        except MeshError as error:
            self._observer.note(f"the page is of no use: {error}")

    async def _strike_leader(self) -> None:
        if self._options.hosting is Managers.MIXED:
            self._loss = await mixed.kill_managers(self._observer, self._fleet)
            await mixed.bring_one_back(self._observer, self._fleet, self._loss)
        phase = self._options.strikes_in()
        if phase:
            self._strike = await strike.strike_leader(
                self._observer, self._fleet, phase, pause=self._options.pause, params=self._options.params
            )

    async def _drain(self) -> bool:
        """Wait until the leader has dealt with all that was sent; whether it has in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS_MAX), aclosing(supervised(self._mesh.watch_inbox)) as snapshots:
                async for snapshot in snapshots:
                    if not snapshot.documents:
                        return True
        return False

    async def _show_frames(self) -> None:
        while True:
            self._fleet.require_alive()
            self._pages.require_alive()
            self._billed = await read_meter(self._meter_host)
            self._show(self._picture())
            await asyncio.sleep(FRAME_SECONDS)

    def _picture(self) -> Picture:
        observer = self._observer
        return Picture(
            mesh_id=self._mesh.mesh_id,
            seed=self._options.seed,
            elapsed_seconds=observer.elapsed_seconds,
            term=observer.head.term,
            leader=observer.head.leader,
            last_index=observer.head.last_index,
            ttl_seconds=self._options.params.ttl_ms / 1000,
            now_ms=observer.clock.now_ms(),
            public=observer.public,
            public_seconds=observer.public_seconds,
            processes=(*map(self._process_line, self._fleet.members), *starmap(self._page_line, self._pages.processes())),
            addresses=self._addresses,
            notes=tuple(observer.notes),
            billed=self._billed,
            dollars=dollars(self._billed),
        )

    def _process_line(self, member: Member) -> ProcessLine:
        return ProcessLine(
            name=member.name,
            pid=member.child.pid,
            state=member.state,
            agents=member.agents,
            leads=self._observer.head.leader in member.agents,
            health=self._observer.health.get(member.name, ""),
            beat_age_seconds=self._observer.beat_age_seconds(member.name),
        )

    def _page_line(self, process: str, agent: str) -> ProcessLine:
        health, age = self._observer.health.get(process, ""), self._observer.beat_age_seconds(process)
        return ProcessLine(process, self._pages.pid, "running", (agent,), health=health, beat_age_seconds=age)

    async def _report(self, sent: "_Sent") -> Mapping[str, Any]:
        stored = await evidence.read_settled(self._store, self._mesh)
        evidence.check_invariants(self._checker, stored, sent.commands)
        of_pages = self._pages.journalled()
        public, params = self._observer.public, self._options.params
        return {
            "seed": self._options.seed,
            "seats": self._options.seats,
            "winner": public.get("winner"),
            "roles": {seat["name"]: seat.get("role") for seat in public.get("seats", [])},
            "seconds": round(self._observer.elapsed_seconds, 1),
            "hosting": self._options.hosting,
            "processes": {"managers": self._options.manager_processes, "workers": self._fleet.worker_processes},
            "pages": {agent: sum(request.startswith(f"{agent}_") for request in of_pages) for agent in self._pages.agents},
            "people": self._takeovers.report(stored, sent.commands, of_pages),
            "terms": evidence.terms(stored.entries),
            "kill": strike.kill_report(self._strike, self._observer, params),
            "pause": strike.pause_report(self._strike, self._observer, params),
            "mixed": mixed.report(self._loss, self._observer, params),
            "commands": evidence.count_commands(stored, sent.commands, of_pages),
            "inbox_drained": sent.drained,
            "invariants": {
                "checked": sorted(self._checker.checked),
                "violations": [asdict(violation) for violation in self._checker.violations],
            },
            "replay_equal": evidence.replay_equals(self._machine, self._options.setup, stored),
            "billed": {
                "reads": self._billed.reads,
                "writes": self._billed.writes,
                "deletes": self._billed.deletes,
                "usd": round(dollars(self._billed), 6),
            },
            "billed_by_kind": {
                kind: {"reads": b.reads, "writes": b.writes, "deletes": b.deletes} for kind, b in self._billed.by_kind.items()
            },
        }
