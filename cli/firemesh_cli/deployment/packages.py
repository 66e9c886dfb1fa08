"""A Python environment with what requirements.txt pins and nothing else.

Without the network, each package is taken from the environment that runs this program: the same versions, pinned by the
same `make lock`. That proves the list complete and consistent, not that the package host has it; `download` proves that.
"""

import importlib.metadata
import re
import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from firemesh_cli.deployment.verdict import Verdict

CHECK = "packages"
DOWNLOAD_SECONDS_MAX = 600
Pins = Mapping[str, Requirement]
Installed = Mapping[str, importlib.metadata.Distribution]
Parts = tuple[str, ...]
_HASHES = re.compile(r"\s*--hash=\S+")


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment outside the project."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Where its packages lie."""
        return self.folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def make_environment(folder: Path) -> Environment:
    """An empty environment of this interpreter."""
    venv.EnvBuilder(symlinks=True).create(folder)
    return Environment(folder)


def requirements(text: str) -> list[Requirement]:
    """The requirements of a file that `make lock` wrote, as far as they concern this machine."""
    lines = re.sub(r"\\\n", " ", text).splitlines()
    wanted = [_HASHES.sub("", line).strip() for line in lines]
    found = [Requirement(line) for line in wanted if line and not line.startswith("#")]
    return [each for each in found if each.marker is None or each.marker.evaluate()]


def link(wanted: Iterable[Requirement], environment: Environment) -> Verdict:
    """Put the wanted packages of this interpreter into an environment, as links."""
    pinned: Pins = {canonicalize_name(each.name): each for each in wanted}
    here: Installed = {canonicalize_name(each.metadata["Name"]): each for each in importlib.metadata.distributions()}
    problems = [*_not_here(pinned, here), *_gaps(pinned, here)]
    _link_files([here[name] for name in here if name in pinned], _folders(here, pinned), environment.packages)
    version = ".".join(map(str, sys.version_info[:3]))
    return Verdict(CHECK, f"{len(pinned)} pinned, complete without any other; Python {version}", tuple(problems))


def download(file: Path, environment: Environment) -> Verdict:
    """Install a requirements file as a deployment does, from the package host, every hash checked."""
    pip = [sys.executable, "-m", "pip", "--python", str(environment.python)]
    command = [*pip, "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS_MAX, check=False)
    if done.returncode:
        return Verdict(CHECK, "pip failed", (" ".join(done.stderr.split())[-300:],))
    count = len(requirements(file.read_text()))
    return Verdict(CHECK, f"{count} pinned, downloaded and installed by pip")


def _not_here(pinned: Pins, here: Installed) -> Iterator[str]:
    for name, requirement in pinned.items():
        if name not in here:
            yield f"{requirement} is not installed here, so it cannot be tried; run `make setup`"
        elif not requirement.specifier.contains(Version(here[name].version), prereleases=True):
            yield f"{requirement} is pinned, but {here[name].version} is installed here; run `make setup`"


def _gaps(pinned: Pins, here: Installed) -> Iterator[str]:
    """What a pinned package needs and the file lacks. Extras are followed from whoever asks for them."""
    waiting = [(name, extra) for name, each in pinned.items() for extra in ("", *sorted(each.extras))]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        for need in _needs(here.get(name), extra):
            needed = canonicalize_name(need.name)
            if needed not in pinned:
                yield f"{name} needs {need.name}, which is not pinned; run `make lock`"
            elif needed in here and not need.specifier.contains(Version(here[needed].version), prereleases=True):
                yield f"{name} needs {need.name}{need.specifier}, but {here[needed].version} is pinned"
            following = {(needed, each) for each in need.extras} - seen
            seen |= following
            waiting.extend(following)


def _needs(distribution: importlib.metadata.Distribution | None, extra: str) -> Iterator[Requirement]:
    for text in (distribution.requires or ()) if distribution is not None else ():
        need = Requirement(text)
        if _applies(need.marker, extra):
            yield need


def _applies(marker: Marker | None, extra: str) -> bool:
    """What an extra adds; without one, what is needed in any case."""
    return marker.evaluate({"extra": extra}) if marker is not None else not extra


def _folders(here: Installed, pinned: Pins) -> set[Parts]:
    """The folders into which packages that are not pinned have put something."""
    others = (file.parts for name, each in here.items() if name not in pinned for file in each.files or ())
    return {parts[:depth] for parts in others for depth in range(1, len(parts))}


def _link_files(distributions: Iterable[importlib.metadata.Distribution], shared: set[Parts], packages: Path) -> None:
    """Link what the distributions have installed: whole folders, but for those that others share."""
    for distribution in distributions:
        for parts in {_head(file.parts, shared) for file in distribution.files or () if ".." not in file.parts}:
            target = packages.joinpath(*parts)
            if not target.is_symlink():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(str(distribution.locate_file("/".join(parts))))


def _head(parts: Parts, shared: set[Parts]) -> Parts:
    """The topmost part of a path that nobody else shares; at last the file itself."""
    return next((parts[:depth] for depth in range(1, len(parts)) if parts[:depth] not in shared), parts)
