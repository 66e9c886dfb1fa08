"""The mesh as an application sees it: create or open it, run agents in this process, ask how it stands.

What creating a mesh and running agents take is imported when that is asked for: the control plane mostly asks how meshes
stand, and pays for its imports at every cold start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from firemesh.core.effects import ManagerRole, Timer, TimerFired
from firemesh.core.membership import CLOSE, DRAIN, REMOVE, ROSTER_MAX, TRANSFER, AgentType, MemberStatus
from firemesh.core.messages import PAYLOAD_BYTES_MAX, MeshStatus, mesh_command
from firemesh.core.params import DEFAULT, Params
from firemesh.core.sessions import OPERATOR_KINDS
from firemesh.errors import AgentNotFound, InvalidMessage, MeshClosed, VersionMoved
from firemesh.ids import MeshId, new_incarnation
from firemesh.store import paths
from firemesh.store.base import Store, Write
from firemesh.store.mesh_removal import MeshRemoval, Removal
from firemesh.store.mesh_store import Hosting, MeshRecord, MeshStore

if TYPE_CHECKING:
    from firemesh.runtime.agent import Agent
    from firemesh.runtime.behaviour import Behaviour
    from firemesh.runtime.manager_agent import ManagerAgent
    from firemesh.runtime.process import AgentProcess

_MESH_ID: TypeAdapter[str] = TypeAdapter(MeshId)
MANAGERS_WANTED = 3
"""With fewer a mesh works, but the loss of one leaves no majority, and takeover waits three lease times."""


@dataclass(frozen=True, slots=True)
class MeshReport:
    """How a mesh stands, by one consistent read of head and topology."""

    mesh_id: str
    machine: str
    term: int
    leader: str
    last_index: int
    managers: tuple[str, ...]
    members: Mapping[str, Mapping[str, str]]
    warnings: tuple[str, ...]
    status: MeshStatus = MeshStatus.OPEN
    hosting: Hosting = Hosting.PROCESSES


class Mesh:
    """One mesh. `create` makes it, `open` finds it; both need only a store."""

    def __init__(self, store: Store, mesh_id: str) -> None:
        self.mesh_id = mesh_id
        self._store = store
        self._documents = MeshStore(store, mesh_id)

    @staticmethod
    def check(mesh_id: str, *, machine: str, setup: Mapping[str, Any]) -> None:
        """Whether there could be such a mesh, as far as that shows without the store.

        Raises:
            UnknownMachine: this program has no such machine.
            InvalidMessage: the id is no mesh id, or the machine refuses the setup.
        """
        from firemesh.game.registry import machine_named

        _check_mesh_id(mesh_id)
        machine_named(machine).initial(setup)

    @classmethod
    async def create(
        cls,
        store: Store,
        mesh_id: str,
        *,
        machine: str,
        setup: Mapping[str, Any],
        params: Params = DEFAULT,
        hosting: Hosting = Hosting.PROCESSES,
        keep_days: int = 0,
        also: Sequence[Write] = (),
    ) -> "Mesh":
        """Create a mesh that replicates `machine` from `setup`, and land `also` in the same commit.

        With `keep_days` the functions that host it delete it so many days later, whatever it is doing then.

        Raises:
            AlreadyExists: the id is taken, or what `also` creates is there; nothing was changed.
            What `check` raises.
        """
        cls.check(mesh_id, machine=machine, setup=setup)
        mesh = cls(store, mesh_id)
        record = MeshRecord(machine=machine, setup=dict(setup), params=asdict(params), hosting=hosting, keep_days=keep_days)
        await mesh._documents.create(record, also=also)
        return mesh

    @classmethod
    async def open(cls, store: Store, mesh_id: str) -> "Mesh":
        """An existing mesh. Raises MeshNotFound."""
        mesh = cls(store, mesh_id)
        await mesh._documents.read_record()
        return mesh

    async def process(self, process_id: str, **options: Any) -> "AgentProcess":
        """A process of this mesh in which agents can run; see `AgentProcess`."""
        from firemesh.runtime.process import AgentProcess

        return await AgentProcess.open(self._store, self.mesh_id, process_id, **options)

    async def add_agent(
        self, process: "AgentProcess", agent_id: str, agent_type: AgentType, behaviour: "Behaviour | None" = None
    ) -> "Agent":
        """Start an agent in a process of this program. Raises what `Agent.start` raises."""
        if agent_type is AgentType.MANAGER:
            return await process.add_manager(agent_id)
        return await process.add_worker(agent_id, behaviour)

    async def remove_agent(self, agent_id: str, *, version: int | None = None) -> None:
        """Have an agent removed, wherever it runs; its process learns it from the roster.

        Returning means that the order is surely in the inbox; the roster tells when it is carried out. It names the run that
        was found alive, so a later one is not touched. With `version`, the row must be at that `applied_index`.

        Raises:
            AgentNotFound: no member has this id, or it has left or died already.
            VersionMoved: its row has changed meanwhile.
            What `order` raises.
        """
        row = await self._living(agent_id)
        if version not in (None, row["applied_index"]):
            raise VersionMoved(f"the row of agent {agent_id!r} is at version {row['applied_index']}, not {version}")
        await self.order(REMOVE, {"agent": agent_id, "inc": row["inc"]})

    async def get_agent(self, agent_id: str) -> Mapping[str, Any]:
        """An agent's row of the roster: inc, type, process, status, since. Raises AgentNotFound."""
        row = await self._documents.read_fields(f"agents/{agent_id}")
        if row is None:
            raise AgentNotFound(f"mesh {self.mesh_id!r} has no agent {agent_id!r}")
        return row

    async def topology(self) -> Mapping[str, Any]:
        """Who is in the mesh and who leads, as last published; empty before the first leader."""
        return await self.view("topology")

    async def get_status(self) -> MeshReport:
        """How the mesh stands. Raises MeshNotFound."""
        record, head, topology = await self._documents.read_standing()
        return MeshReport(
            mesh_id=self.mesh_id,
            machine=record.machine,
            term=head.term,
            leader=head.leader,
            last_index=head.last_index,
            managers=head.voters.managers,
            members=topology.get("members", {}),
            warnings=() if head.closed else _warnings(record.hosting, head.leader, head.voters.managers),
            status=head.status,
            hosting=record.hosting,
        )

    async def drain(self) -> str:
        """Let nobody new in, as soon as the leader has ordered it. Raises what `order` raises."""
        return await self.order(DRAIN, {})

    async def close(self) -> str:
        """End every member and the mesh itself, for good. Raises what `order` raises."""
        return await self.order(CLOSE, {})

    async def transfer_leadership(self, to: str) -> str:
        """Have the leader hand over to another manager.

        Raises:
            AgentNotFound: no living member has this id.
            InvalidMessage: it is no manager.
            What `order` raises.
        """
        row = await self._living(to)
        if row["type"] != AgentType.MANAGER:
            raise InvalidMessage(f"leadership cannot go to {to!r}: it is a {row['type']}, not a manager")
        return await self.order(TRANSFER, {"to": to})

    async def order(self, kind: str, body: Mapping[str, Any]) -> str:
        """Put an operator's order into the inbox; the id under which it lies there, and under `refused/` if it is refused.

        Returning means that it is surely there. The head tells when it is carried out. Given twice it does no more than once.

        Raises:
            InvalidMessage: this is no operator's order, or no JSON object; nothing was sent.
            MeshNotFound: there is no such mesh.
            MeshClosed: nobody is left to carry it out.
            OutcomeUnknown: the store did not confirm; ask again, it does no harm.
        """
        if kind not in OPERATOR_KINDS:
            raise InvalidMessage(f"{kind[:80]!r} is no order of an operator; these are: {', '.join(sorted(OPERATOR_KINDS))}")
        try:
            command = mesh_command(kind, body)
        except (ValidationError, TypeError, ValueError, RecursionError) as error:
            raise InvalidMessage(f"the body of {kind} is no JSON object of at most {PAYLOAD_BYTES_MAX} bytes") from error
        head, _, _ = await self._documents.read_head()
        if head.closed:
            raise MeshClosed(f"mesh {self.mesh_id!r} is closed")
        request_id = paths.operator_request_id(new_incarnation())
        await self._documents.submit(request_id, command)
        return request_id

    async def delete(self, *, force: bool = False) -> Removal:
        """Delete one portion of the mesh's documents; call again until it is done. See `MeshRemoval.portion`."""
        return await MeshRemoval(self._store, self.mesh_id).portion(force=force)

    async def agents(self) -> tuple[Mapping[str, Any], ...]:
        """The roster: all rows by id, of the living and of those gone."""
        found = (await self._store.list_documents(paths.agents(self.mesh_id), limit=ROSTER_MAX)).documents
        return tuple(found[path].fields for path in sorted(found))

    async def agent_state(self, agent_id: str) -> Mapping[str, Any]:
        """What an agent keeps of its own: version, inc, values. Raises AgentNotFound when it keeps nothing."""
        state = await self._documents.read_fields(f"states/{agent_id}")
        if state is None:
            raise AgentNotFound(f"mesh {self.mesh_id!r} keeps no state of an agent {agent_id!r}")
        return state

    async def view(self, audience: str) -> Mapping[str, Any]:
        """A view as last published; empty before the first time."""
        return await self._documents.read_fields(f"views/{audience}") or {}

    async def _living(self, agent_id: str) -> Mapping[str, Any]:
        row = await self.get_agent(agent_id)
        if row["status"] != MemberStatus.ALIVE:
            raise AgentNotFound(f"agent {agent_id!r} is not in mesh {self.mesh_id!r} any more: {row['status']}")
        return row


async def list_mesh_ids(store: Store, *, start: str = "", limit: int) -> tuple[str, ...]:
    """The ids of at most `limit` meshes in order, from `start` (inclusive) on."""
    found = (await store.list_documents(paths.meshes(), start_at=start, limit=limit)).documents
    return tuple(sorted(document.id for document in found.values()))


class MeshManager:
    """The management of a mesh as seen from one of its managers."""

    def __init__(self, mesh: Mesh, manager: "ManagerAgent") -> None:
        self._mesh = mesh
        self._manager = manager

    async def elect_leader(self) -> str:
        """Wait until somebody leads; returns its id."""
        driver = self._manager.driver
        while not driver.manager.state.head.leader:
            driver.stepped.clear()
            await driver.stepped.wait()
        return driver.manager.state.head.leader

    def handle_leader_failure(self) -> None:
        """Look at once whether the leader's lease has run out, instead of when patience ends. The store decides."""
        if self._manager.role is not ManagerRole.LEADER:
            self._manager.driver.tell(TimerFired(Timer.CAMPAIGN))

    async def manage_agent(self, agent_id: str) -> None:
        """Have an agent removed from the mesh. Raises AgentNotFound."""
        await self._mesh.remove_agent(agent_id)

    async def update_topology(self) -> Mapping[str, Any]:
        """The topology as this manager's replica has it, which may be newer than what was published."""
        state = self._manager.driver.manager.state
        return {
            "term": state.head.term,
            "leader": state.head.leader,
            "voters": list(state.replica.roster.voters.managers),
            "members": {member.agent: member.process for member in state.replica.roster.living()},
        }


def _check_mesh_id(mesh_id: str) -> None:
    try:
        _MESH_ID.validate_python(mesh_id)
    except ValidationError as error:
        raise InvalidMessage(
            f"{mesh_id!r} is no mesh id: 1 to 40 lower-case letters and digits, with hyphens between them"
        ) from error


def _warnings(hosting: Hosting, leader: str, managers: tuple[str, ...]) -> tuple[str, ...]:
    """What an operator should know. Where functions manage, they come when there is something to do."""
    if hosting is Hosting.FUNCTIONS:
        return ()
    warnings = []
    if len(managers) < MANAGERS_WANTED:
        warnings.append(f"{len(managers)} manager(s): run at least {MANAGERS_WANTED}, so that one may die at any time")
    if not leader:
        warnings.append("nobody leads at the moment: commands wait in the inbox")
    return tuple(warnings)
