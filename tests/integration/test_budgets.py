"""What a mesh costs on the emulator, counted from outside: what the committed table says, and nothing that lands is free."""

from collections import Counter
from pathlib import Path

from firemesh.core.effects import ManagerRole
from firemesh.runtime.manager_agent import ManagerAgent
from firemesh.runtime.process import AgentProcess
from firemesh_cli.bench import mesh_operations
from firemesh_cli.bench.budget import budget
from firemesh_cli.stack.meter import Meter
from firemesh_cli.stack.reading import Billed, MeterReading
from tests.integration.crew import Crew

COUNTS_MAX = 10
RACE = f"takeover, {mesh_operations.CANDIDATES} candidates"


def fits(name: str, figures: tuple[int, int, int]) -> bool:
    """Whether a row is what the table says."""
    exact = tuple(budget()["mesh-operations"][name].values())
    reads = [exact[0]]
    if name == RACE:  # one has won; what the others read depends on who was how late
        reads = [figures[0]]
    if name == "join":  # whoever is admitted early stops listening for a refusal before it was answered
        reads = [exact[0] - 1, exact[0]]
    return figures[0] in reads and figures[1:] == exact[1:]


async def test_what_a_mesh_does_is_billed_its_row_as_in_memory(firestore_host: str) -> None:
    """An answer that comes too late is asked for again, and two changes may be told as one: such a row is counted again."""
    unseen = set(budget()["mesh-operations"])
    for _ in range(COUNTS_MAX):
        rows = mesh_operations.table(await mesh_operations.count_on_emulator(firestore_host))
        unseen -= {name for name, figures in rows.items() if fits(name, figures)}
        if not unseen:
            break
    assert unseen == set(), rows


def leading(crew: Crew) -> list[tuple[AgentProcess, int]]:
    """Each process of this one in which a manager leads, and the term."""
    managers = [(process, agent) for process, _ in crew.local for agent in process.agents.values()]
    return [
        (process, agent.driver.manager.state.head.term)
        for process, agent in managers
        if isinstance(agent, ManagerAgent) and agent.role is ManagerRole.LEADER
    ]


def of(spent: MeterReading, client: str, kind: str) -> Billed:
    return spent.by_client_kind.get((client, kind), Billed())


async def test_every_commit_before_and_after_a_takeover_is_billed_to_whoever_made_it(
    firestore_host: str, tmp_path: Path
) -> None:
    async with Meter(firestore_host) as meter, Crew.aboard(firestore_host, tmp_path) as crew:
        for number in (1, 2, 3):
            await (await crew.process(f"pm{number}", host=meter.host)).add_manager(f"m{number}")
        await crew.until(lambda: leading(crew))
        struck, term = leading(crew)[0]
        await struck.abandon()
        await crew.until(lambda: crew.observer.head.term > term)
        head, _, _ = await crew.documents.read_head()
        entries = await crew.documents.read_entries(1, head.last_index)
        written = Counter(f"p{entry.nonce.partition('/')[0]}" for entry in entries)
        assert len(written) > 1
        await crew.until(lambda: all(of(meter.counts(), client, "log").writes >= written[client] for client in written))
        await crew.until(lambda: meter.counts().by_kind["head"].writes >= head.seq)
