"""Fixtures every folder of tests may use."""

import asyncio
import inspect
import os
from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from firemesh_cli.stack.supervisor import MARK, LocalStack
from firemesh_cli.stack.watchdog import marked
from tests.support.queries import Query, recorded

for name in ("NO_PROXY", "no_proxy"):  # whatever proxy this machine has: the servers of the tests are on 127.0.0.1
    os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))

ON_STACKS = ("tests/browser/", "tests/contract/", "tests/integration/", "tests/rules/")
START_SECONDS_MAX = 300.0
LAST = "test_every_query_that_ran_has_its_index"


@pytest.fixture(scope="session")
def local_stack() -> Iterator[LocalStack]:
    """The emulators, started for the first test that asks and shared by all: use a mesh id of your own."""
    with LocalStack(start_timeout_seconds=START_SECONDS_MAX) as stack:
        yield stack


@pytest.fixture(scope="session")
def functions_stack() -> Iterator[LocalStack]:
    """The same with our functions, Authentication and the task queue: use a mesh id of your own here, too."""
    with LocalStack(functions=True, start_timeout_seconds=START_SECONDS_MAX) as stack:
        mark = f"{MARK}={stack.owned_environment()[MARK]}".encode()
        yield stack
        assert list(marked(mark)) != []
    assert list(marked(mark)) == [], "the emulators have left processes behind"


@pytest.fixture(scope="session", autouse=True)
def queries_that_ran() -> Iterator[set[Query]]:
    """Every query that a store of this process has sent so far."""
    with recorded() as seen:
        yield seen


@pytest.fixture(scope="session")
def firestore_host(local_stack: LocalStack) -> str:
    """Where the Firestore emulator listens, as "127.0.0.1:port"."""
    return local_stack.firestore_host


class StacksInOneProcess(LoadScopeScheduling):
    """Of two processes one runs, in order, all that needs the stacks; the other runs the rest meanwhile, test by test."""

    def _split_scope(self, nodeid: str) -> str:
        """What belongs together. By folder: the marks that `--dist loadgroup` goes by do not reach it from pytest 9.2."""
        return "stacks" if nodeid.startswith(ON_STACKS) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> StacksInOneProcess:
    """Share the tests out among the processes of `--numprocesses`."""
    return StacksInOneProcess(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What judges the whole run comes last."""
    items.sort(key=lambda item: item.name == LAST)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an `async def` test in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True
