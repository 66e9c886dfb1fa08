"""People who take over seats that scripted players hold.

Whoever opens a seat asks the control plane to be admitted as its agent, and is told that the agent lives, and to come again.
That question stands in the mesh's audit trail. So the demo sees it there, and has the scripted player's run removed by an
order of the operator. The log holds its end, then the join of the next run of the same agent, which is the person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from firemesh.control_plane.access import Operation
from firemesh.control_plane.audit import AuditRecord, AuditTrail
from firemesh.core.membership import REMOVE
from firemesh.core.messages import Command
from firemesh.runtime.mesh import Mesh
from firemesh.runtime.watch_supervisor import supervised
from firemesh.store.base import DocumentTarget, Store
from firemesh_cli.demo import evidence
from firemesh_cli.demo.evidence import Stored
from firemesh_cli.demo.fleet import Fleet
from firemesh_cli.demo.insisting import insist
from firemesh_cli.demo.observer import Observer

RECORDS_PER_READ = 100


@dataclass(frozen=True, slots=True)
class Handover:
    """One seat that a scripted player gave up: whose run ended."""

    agent: str
    inc: str


class Takeovers:
    """Has a scripted player yield its seat to whoever asks for it. Run `attend` while the game is on."""

    def __init__(self, store: Store, mesh_id: str, fleet: Fleet, observer: Observer) -> None:
        self.handovers: list[Handover] = []
        self._mesh = Mesh(store, mesh_id)
        self._trail = AuditTrail(store)
        self._store = store
        self._fleet = fleet
        self._observer = observer
        self._next = 1

    async def attend(self) -> None:
        """Yield seats as they are asked for, without end."""
        head = DocumentTarget(self._trail.head_path(self._mesh.mesh_id))
        async for _ in supervised(lambda: self._store.watch(head)):
            for record in await self._news():
                if record.operation == Operation.JOIN_MESH and record.allowed and self._fleet.plays(record.target):
                    await self._yield(record.target)

    def report(self, stored: Stored, journalled: Sequence[Command], of_pages: frozenset[str]) -> Mapping[str, Any]:
        """The `people` member of the report: the seats they took, what of theirs was ordered, which is no part of the evidence,
        and how many commands a scripted player had sent and not seen ordered when it left.
        """
        ended = {(handover.agent, handover.inc) for handover in self.handovers}
        left = [command for command in journalled if (command.agent_id, command.inc) in ended]
        return {
            "seats": [handover.agent for handover in self.handovers],
            "committed": evidence.count_others(stored, journalled, of_pages),
            "left_behind": len(evidence.fates(stored, left).refused),
        }

    async def _news(self) -> tuple[AuditRecord, ...]:
        mesh_id = self._mesh.mesh_id
        records = await insist(lambda: self._trail.read(mesh_id=mesh_id, start=self._next, limit=RECORDS_PER_READ))
        if records:
            self._next = records[-1].number + 1
        return records

    async def _yield(self, agent: str) -> None:
        """Have the scripted run of this agent end, and no other: the order names it, so that it may be given twice."""
        row = await insist(lambda: self._mesh.get_agent(agent))
        if row["process"] != self._fleet.by_agent(agent).name:
            return  # its run was declared dead, and somebody has the seat already
        await insist(lambda: self._mesh.order(REMOVE, {"agent": agent, "inc": row["inc"]}))
        self._fleet.give_up(agent)
        self.handovers.append(Handover(agent, row["inc"]))
        self._observer.note(f"somebody asks for the seat of {agent}: the scripted player leaves it")
