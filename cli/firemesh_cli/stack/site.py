"""The site that hosting serves, built from web_worker when its sources have changed."""

import contextlib
import fcntl
import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from firemesh.errors import LocalStackError

SOURCES = "web_worker"
BUILT = "web_worker/dist"
CONFIG = "config.json"
"""What a site's operator tells pages: the guest key, and on a local stack its desk. In the deployed site it lies in
web_worker/public."""
BUILD_SECONDS_MAX = 120.0


def ensure_site(root: Path, node: Path) -> None:
    """Build the site of the checkout at `root` unless it is there and current. Two builds of one checkout take turns.

    A checkout without sources has no site, and needs none.

    Raises:
        LocalStackError: the build failed; the message holds its last words.
    """
    if not (root / SOURCES / "build.mjs").is_file() or site_is_current(root):
        return
    with _alone(root):
        if site_is_current(root):
            return
        stamp = site_stamp(root)
        build = [str(node), str(root / SOURCES / "build.mjs")]
        try:
            done = subprocess.run(build, cwd=root, capture_output=True, text=True, timeout=BUILD_SECONDS_MAX, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LocalStackError(f"the site could not be built: {error}") from error
        if done.returncode != 0:
            words = " ".join(done.stderr.split())[-400:]
            raise LocalStackError(f"the site could not be built; `make web` shows all of it: {words}")
        _mark(root).write_text(stamp)


def site_is_current(root: Path) -> bool:
    """Whether the site was built from the sources as they are."""
    mark = _mark(root)
    return (root / BUILT / "index.html").is_file() and mark.is_file() and mark.read_text() == site_stamp(root)


def site_stamp(root: Path) -> str:
    """Changes with every source of the site and with the packages it is bundled from."""
    folder = root / SOURCES
    digest = hashlib.sha256((root / "package-lock.json").read_bytes())
    for path in sorted(_sources(folder)):
        digest.update(f"\0{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    """Looks at nothing that was built: another process may be building, and what is there now may be gone."""
    for entry in folder.iterdir():
        if entry.name != "dist" and not entry.name.startswith("."):
            yield from (path for path in (entry, *entry.rglob("*")) if path.is_file())


def _mark(root: Path) -> Path:
    """Hosting serves no name that starts with a dot."""
    return root / BUILT / ".built-from"


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    lock = root / ".firemesh" / "site.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def lay_out_site(root: Path, folder: Path) -> Path:
    """A folder for one stack's hosting: the site as built, also when it is built anew, and a place for `config.json`."""
    folder.mkdir()
    built = root / BUILT
    for entry in built.iterdir() if built.is_dir() else ():
        if entry.name != CONFIG:
            (folder / entry.name).symlink_to(entry, target_is_directory=entry.is_dir())
    return folder


def publish_guest_key(folder: Path, project: str, firestore_host: str, pepper: str) -> None:
    """Make the site's guest key and publish it with the site: with it anybody may open games here, take seats and watch."""
    from firemesh.background_loop import BackgroundLoop
    from firemesh.control_plane.access import AccessRole
    from firemesh.control_plane.key_ring import KeyRequest, KeyRing
    from firemesh.store.firestore import FirestoreStore

    async def make() -> str:
        store = FirestoreStore(project, host=firestore_host, client_name="stack")
        try:
            ring = KeyRing(store, pepper.encode(), environment="local")
            return (await ring.create(KeyRequest(AccessRole.GUEST, label="guests of the local site"))).text
        finally:
            await store.close()

    _publish(folder, {"guest_key": BackgroundLoop().run(make())})


def publish_seats(folder: Path, mesh_id: str, key: str) -> None:
    """Publish with the site a worker's key to one mesh: with it anybody here may take over the seats of its programs."""
    _publish(folder, {"seats_of": {mesh_id: key}})


def publish_desk(folder: Path, desk: Mapping[str, str] | None) -> None:
    """Tell the site's pages where the stack's desk is, and with which key they may operate; or that it is closed."""
    _publish(folder, {"desk": desk})


def _publish(folder: Path, news: Mapping[str, Any]) -> None:
    """Add to what the site tells its pages; nobody ever reads half of it."""
    file = folder / CONFIG
    told = json.loads(file.read_text()) if file.is_file() else {}
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({**told, **news}))
    draft.replace(file)
