"""What is cut from the lock, for the image and for the environment in which the wheel is tried."""

import pytest

from deploy.lock import Unknown, extra_packages, lock_of, runtime_lock

LOCK = """\
click==8.5.1 \\
    --hash=sha256:aa
    # via
    #   segment-export (pyproject.toml)
    #   import-linter
grimp==3.19 \\
    --hash=sha256:bb
    # via import-linter
idna==3.20 ; python_version > '3' \\
    --hash=sha256:cc
    # via yarl
import-linter==2.16 \\
    --hash=sha256:dd
    # via segment-export (pyproject.toml:dev)
multidict==6 \\
    --hash=sha256:ee
    # via
    #   aiohttp
    #   yarl
aiohttp==3.14.5 \\
    --hash=sha256:ff
    # via segment-export (pyproject.toml)
yarl==1.25.1 \\
    --hash=sha256:00
    # via aiohttp
"""


def test_what_only_development_needs_is_left_out() -> None:
    """A dependency that is only declared for development must be missed when the wheel is tried."""
    kept = runtime_lock(LOCK)
    assert "import-linter==" not in kept
    assert "grimp==" not in kept


def test_what_is_needed_at_a_distance_is_kept_with_marker_and_hash() -> None:
    """Aiohttp needs yarl, and yarl needs idna."""
    assert "idna==3.20 ; python_version > '3' \\\n    --hash=sha256:cc\n" in runtime_lock(LOCK)


def test_what_is_needed_by_both_is_kept() -> None:
    """Click is ours as well as import-linter's."""
    kept = runtime_lock(LOCK)
    assert [line.split("==")[0] for line in kept.splitlines() if "==" in line and not line.startswith(" ")] == [
        "click",
        "idna",
        "multidict",
        "aiohttp",
        "yarl",
    ]


def test_of_one_package_it_keeps_that_and_what_it_needs() -> None:
    """For what the wheel is built with."""
    kept = lock_of(LOCK, "import-linter")
    assert [line.split("==")[0] for line in kept.splitlines() if "==" in line and not line.startswith(" ")] == [
        "click",
        "grimp",
        "import-linter",
    ]


def test_extras_are_added_with_what_they_need() -> None:
    """They stand in the lock as development's, since tests need them."""
    kept = runtime_lock(LOCK, ["import-linter"])
    assert "grimp==" in kept
    assert "aiohttp==" in kept
    assert kept.count("click==") == 1


def test_extras_are_read_from_the_project_by_their_packages_names() -> None:
    """However these are spelled; what is no extra, or not pinned, is said."""
    project = '[project.optional-dependencies]\na = ["Import_Linter>=2", "x.y"]\nb = ["x.y"]\n'
    assert extra_packages(project, ["a", "b"]) == ["import-linter", "x-y"]
    with pytest.raises(Unknown, match="no extra c d; there are a b"):
        extra_packages(project, ["d", "c"])
    with pytest.raises(Unknown, match=r"not pinned in requirements\.lock: x-y"):
        runtime_lock(LOCK, ["x-y"])
