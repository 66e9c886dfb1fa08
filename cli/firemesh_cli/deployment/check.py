"""Every check of a deployment, in the order in which one would mend what they find."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from firemesh_cli.deployment import firebase_tools, packages, upload
from firemesh_cli.deployment.clean_room import CleanRoom
from firemesh_cli.deployment.endpoints import judge_endpoints, judge_hosting
from firemesh_cli.deployment.rules import compile_rules
from firemesh_cli.deployment.verdict import Verdict
from firemesh_cli.stack.site import ensure_site

PROJECT = "demo-firemesh"


def check_deployment(
    project: Path, firestore_host: str, *, tools_root: Path | None = None, download: bool = False
) -> Iterator[Verdict]:
    """Judge the project in a folder: its site is built, what would be uploaded is unpacked, installed and loaded by itself.

    `firestore_host` is an emulator, which compiles the rules. `tools_root` has firebase-tools installed (default: the
    project itself). With `download` the packages come from the package host, else from this interpreter. The checks end
    early where nothing is left to judge; the last verdict then has a problem.

    Raises:
        LocalStackError: Node or firebase-tools is missing, or the site cannot be built.
    """
    project = project.resolve()
    ensure_site(project, firebase_tools.node())
    with tempfile.TemporaryDirectory(prefix="firemesh-deploy-") as folder:
        scratch = Path(folder)
        packed = firebase_tools.pack(tools_root or project, project, scratch)
        yield Verdict("firebase.json", packed.found.get("runtime", "unreadable"), packed.refusals("configuration"))
        yield Verdict("indexes", f"{packed.found.get('overrides', 0)} field overrides", packed.refusals("indexes"))
        yield compile_rules(project / "firestore.rules", firestore_host)
        if packed.refusals("upload"):
            yield Verdict("upload", "not packed", packed.refusals("upload"))
            return
        yield upload.unpack(Path(packed.found["archive"]), scratch / "functions")
        yield from _judge_functions(project, scratch, tools_root or project, download=download)


def _judge_functions(project: Path, scratch: Path, tools_root: Path, *, download: bool) -> Iterator[Verdict]:
    pins = scratch / "functions" / "requirements.txt"
    environment = packages.make_environment(scratch / "venv")
    if download:
        yield packages.download(pins, environment)
    else:
        yield packages.link(packages.requirements(pins.read_text()), environment)
    room = CleanRoom(environment.python, scratch / "functions")
    manifest, verdict = room.discover()
    yield verdict
    if not verdict.ok:
        return
    (scratch / "manifest.yaml").write_text(manifest)
    judged = firebase_tools.judge(tools_root, project, scratch / "manifest.yaml", PROJECT)
    yield Verdict("manifest", f"APIs: {', '.join(judged.found.get('apis', [])) or 'no more'}", judged.refusals("manifest"))
    yield from judge_endpoints(judged)
    endpoints = judged.found.get("endpoints", [])
    yield judge_hosting(project, endpoints)
    yield room.import_each()
    yield room.load_each(endpoints)
