import re
from pathlib import Path
from xml.etree import ElementTree

from firemesh_cli.demo.picture_svg import export_svg
from tests.support.pictures import game_pictures


def test_the_picture_is_well_formed_loads_nothing_and_shows_the_table(tmp_path: Path) -> None:
    shown = next(each for each in game_pictures(7, 12) if each.public["phase"] == "night")
    path = tmp_path / "demo.svg"
    export_svg(shown, path)
    text = path.read_text(encoding="utf-8")
    words = "".join(ElementTree.fromstring(text).itertext()).replace("\xa0", " ")
    assert "firemesh demo-0a1b2c3d4e5f" in words
    assert all(seat["name"] in words for seat in shown.public["seats"])
    assert set(re.findall(r"https?://[^\"')\s]+", text)) == {"http://www.w3.org/2000/svg"}
