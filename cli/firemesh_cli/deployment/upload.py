"""The archive of an upload: unpacked, and looked through for what does not belong there."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from firemesh_cli.deployment.verdict import Verdict

BELONGS = re.compile(
    r"[a-z_]+\.py|requirements\.txt|\.env(?:\.(?!local$)[a-z0-9-]+)?|firemesh/(?:[a-z_]+/)*(?:[a-z_]+\.py|firestore_v1\.binpb)"
)
"""All that the functions need. Settings without secrets stand in `.env`, those of one project in `.env.{project}`."""

SECRETS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a service account": re.compile(r'"private_key(?:_id)?"\s*:'),
    "an API key": re.compile(r"mesh_[a-z0-9]{1,12}_[0-9a-f]{12}_[A-Za-z0-9_-]{43}_[0-9a-f]{8}"),
    "a pepper": re.compile(r"API_KEY_PEPPER\s*=\s*['\"]?[0-9A-Za-z+/=_-]{32}"),
}
FILES_MAX = 500
BYTES_MAX = 5_000_000
"""Ten times what it is; more means that something else has come along."""


def unpack(archive: Path, folder: Path) -> Verdict:
    """Unpack an upload into a folder and judge what is in it."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
        names = sorted(each.filename for each in packed.infolist() if not each.is_dir())
        total = sum(each.file_size for each in packed.infolist())
    problems = [*_strangers(names), *_secrets(folder, names), *_sizes(len(names), total)]
    return Verdict("upload", f"{len(names)} files, {total // 1000} kB", tuple(problems))


def _strangers(names: list[str]) -> Iterator[str]:
    """At most a few: one folder of caches would fill the page."""
    strangers = [name for name in names if not BELONGS.fullmatch(name)]
    for name in strangers[:5]:
        yield f"{name} would be uploaded; let `ignore` in firebase.json name it"
    if len(strangers) > 5:
        yield f"{len(strangers) - 5} more files would be uploaded that the functions do not need"


def _secrets(folder: Path, names: list[str]) -> Iterator[str]:
    for name in names:
        text = (folder / name).read_text(errors="replace")
        for what, pattern in SECRETS.items():
            if pattern.search(text):
                yield f"{name} holds what looks like {what}"


def _sizes(files: int, total: int) -> Iterator[str]:
    if files > FILES_MAX:
        yield f"{files} files; expected are at most {FILES_MAX}"
    if total > BYTES_MAX:
        yield f"{total} bytes; expected are at most {BYTES_MAX}"
