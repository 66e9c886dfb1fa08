"""The page's way into the game of a demo: its address, who may watch, and keys to seats."""

from urllib.parse import quote

from firemesh.control_plane.access import PERMISSIONS, AccessRole
from firemesh.control_plane.game_desk import SEAT_KEY_DAYS, seat_key_id
from firemesh.control_plane.key_ring import KeyRequest, KeyRing
from firemesh.store.base import Store, Write
from firemesh_cli.demo.insisting import insist
from firemesh_cli.stack.supervisor import LocalStack


class Door:
    """Lets people and browsers into one mesh of a stack that runs with functions."""

    def __init__(self, stack: LocalStack, store: Store, mesh_id: str) -> None:
        self._stack = stack
        self.mesh_id = mesh_id
        self._ring = KeyRing(store, stack.environment()["API_KEY_PEPPER"].encode(), environment="local")

    @property
    def page(self) -> str:
        """The address at which people watch the game."""
        return f"{self._stack.site_url}/#/watch/{self.mesh_id}"

    @property
    def console(self) -> str:
        """The address at which its operator sees the mesh."""
        return f"{self._stack.site_url}/console/#/mesh/{self.mesh_id}"

    async def seat_key(self) -> Write:
        """What makes the mesh a game that guests may watch, as the control plane does for those it opens itself."""
        wanted = KeyRequest(AccessRole.WORKER, self.mesh_id, days=SEAT_KEY_DAYS, label="watchers of a demo")
        return await insist(lambda: self._ring.held_by_nobody(seat_key_id(self.mesh_id), wanted, made_by=""))

    async def seat_link(self, agent: str) -> str:
        """An address at which a browser plays as this agent. It holds a key of its own."""
        wanted = KeyRequest(AccessRole.WORKER, self.mesh_id, days=SEAT_KEY_DAYS, agent=agent)
        key = await insist(lambda: self._ring.create(wanted))
        return f"{self._stack.site_url}/#/seat/{self.mesh_id}/{quote(agent)}/{key.text}"

    async def operator_key(self) -> str:
        """A key with which the stack's own console operates this mesh. It names all that an operator may, secrets among it."""
        everything = tuple(sorted(PERMISSIONS[AccessRole.OPERATOR]))
        wanted = KeyRequest(AccessRole.OPERATOR, self.mesh_id, operations=everything, days=1, label="a demo's console")
        return (await insist(lambda: self._ring.create(wanted))).text

    async def offer_seats(self) -> None:
        """Let everybody who opens this stack's site take over seats. Whether somebody yields is the demo's affair."""
        wanted = KeyRequest(AccessRole.WORKER, self.mesh_id, days=SEAT_KEY_DAYS, label="a demo's seats")
        key = await insist(lambda: self._ring.create(wanted))
        self._stack.publish_seats(self.mesh_id, key.text)
