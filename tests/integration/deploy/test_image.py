"""What can be said of the image without a container engine: its Dockerfile is clean, and finds everything it copies."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.lock import main
from tests.deployed import DEPLOY, PROGRAMS, ROOT

DOCKERFILE = DEPLOY / "image" / "Dockerfile"


def test_hadolint_has_nothing_to_say() -> None:
    """Not even a hint."""
    told = subprocess.run([PROGRAMS / "hadolint", DOCKERFILE], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "")


def test_all_that_is_copied_is_there_and_let_through() -> None:
    """What .dockerignore keeps out, a COPY does not find."""
    allowed = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE)
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE.read_text(), flags=re.MULTILINE)
    copied = [source for line in lines for source in line.split()[:-1]]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(Path(source).is_relative_to(each) for each in allowed), source


def test_programs_are_started_without_a_shell_by_somebody_who_is_not_root() -> None:
    """So that signals arrive, and nobody needs one."""
    text = DOCKERFILE.read_text()
    final = text.split("AS programs")[1]
    assert not re.findall(r"^RUN", final, flags=re.MULTILINE)
    assert re.findall(r"^USER (\d+):(\d+)$", final, flags=re.MULTILINE) == [("10001", "10001")]
    for instruction in re.findall(r"^ *(?:CMD|ENTRYPOINT) (.+)$", final, flags=re.MULTILINE):
        assert instruction.startswith('["')


def test_the_lock_that_the_image_installs_is_cut_by_the_command_it_calls(tmp_path: Path) -> None:
    """With nothing but the files that its first stage has by then."""
    for name in ("requirements.lock", "pyproject.toml", "deploy/__init__.py", "deploy/lock.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())

    def cut(*arguments: str) -> str:
        command = [sys.executable, "-m", "deploy.lock", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert "dramatiq==" in cut()
    assert "pytest==" not in cut()
    assert "hatchling==" in cut("hatchling")
    assert "dramatiq==" not in cut("hatchling")
    (default,) = re.findall(r'^ARG EXTRAS="(.+)"$', DOCKERFILE.read_text(), flags=re.MULTILINE)
    assert {"google-cloud-storage", "adbc-driver-postgresql"} <= _names(cut("--extras", default)) - _names(cut())
    assert _names(cut()) < _names(cut("--extras", default))
    assert 'RUN python -m deploy.lock --extras "$EXTRAS" > runtime.txt' in DOCKERFILE.read_text()


def test_every_extra_that_can_be_built_in_is_pinned(capsys: pytest.CaptureFixture[str]) -> None:
    """With hashes, like the rest; of those that are not, the build says what is missing before anything is installed."""
    for extra in ("delta", "gcs", "iceberg", "postgresql", "sqlite"):
        assert _names(main(["--extras", extra])) - _names(main([])), extra
    for extra, problem in {
        "snowflake": "not pinned in requirements.lock: adbc-driver-snowflake",
        "s4": "no extra s4",
    }.items():
        with pytest.raises(SystemExit):
            main(["--extras", extra])
        assert problem in capsys.readouterr().err


def _names(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9.-]+)==", lock, flags=re.MULTILINE))
