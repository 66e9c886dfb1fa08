"""The site is as small as docs/performance.md says: what a page loads, and what the worker adds to the SDK it needs."""

import gzip
import re
import subprocess
from pathlib import Path

import pytest

from firemesh_cli.stack import locate
from firemesh_cli.stack.site import BUILT, ensure_site

ROOT = Path(__file__).resolve().parents[2]
BARE = ROOT / "tests/web/bare_sdk.mjs"
PAGE_BYTES_MAX = 60_000
WORKER_RATIO_MAX = 1.1
FOR_THE_CONSOLE = {"collection", "documentId", "limit", "query", "where"}
"""What the operators' worker needs of the SDK besides, because it listens to collections."""


@pytest.fixture(scope="module")
def built() -> Path:
    node = locate.find_node()
    assert node is not None
    ensure_site(ROOT, node.path)
    return ROOT / BUILT


def packed(text: bytes) -> int:
    return len(gzip.compress(text, 9))


@pytest.mark.parametrize("html", ["index.html", "console/index.html"])
def test_each_page_is_small_and_holds_no_sdk(built: Path, html: str) -> None:
    index = (built / html).read_text()
    loaded = [built / name for name in re.findall(r'(?:src|href)="/(assets/[^"]+)"', index)]
    assert len(loaded) == 2
    assert sum(packed(path.read_bytes()) for path in loaded) + packed(index.encode()) < PAGE_BYTES_MAX
    assert all(b"firestore.googleapis.com" not in path.read_bytes() for path in loaded)


@pytest.mark.parametrize("name", ["worker", "operator_worker"])
def test_a_worker_is_hardly_larger_than_the_bare_sdk(built: Path, name: str) -> None:
    options = ["--bundle", "--minify", "--format=esm", "--target=es2022", "--legal-comments=none", "--log-level=error"]
    command = [str(ROOT / "node_modules/.bin/esbuild"), str(BARE), *options]
    bare = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=300, check=True).stdout
    [worker] = (built / "assets").glob(f"{name}-*.js")
    assert packed(worker.read_bytes()) <= WORKER_RATIO_MAX * packed(bare)


def test_what_is_compared_with_is_what_the_worker_imports() -> None:
    port = (ROOT / "web_worker/agent/firestore_port.ts").read_text()
    of_port = set(re.findall(r"\b(\w+)\b", " ".join(re.findall(r"import \{(.*?)\} from \"firebase", port, re.DOTALL))))
    of_bare = set(re.findall(r"\b(\w+)\b", " ".join(re.findall(r"export \{(.*?)\} from", BARE.read_text(), re.DOTALL))))
    types = set(re.findall(r"type (\w+)", port)) | {"type"}
    assert of_bare == of_port - types - FOR_THE_CONSOLE
