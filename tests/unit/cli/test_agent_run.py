"""What `firemesh agent run` refuses before it connects."""

import pytest

from firemesh_cli.__main__ import main


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--count", "31"), "a process runs 1 to 30 agents, not 31"),
        (("--neighbours", "/tmp/m1"), "--neighbours is for managers: nobody takes over from a worker"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(
    options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["agent", "run", "--mesh", "m1", *options]) == 1
    assert said in capsys.readouterr().err
