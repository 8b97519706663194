"""The action and the GitLab include: their shell steps, run as those services run them."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOOKED = Path(__file__).parent / "hooked"

pytestmark = pytest.mark.system


def step(name: str) -> str:
    """The shell words of a step of action.yml."""
    text = (ROOT / "action.yml").read_text("utf-8")
    found = re.search(rf"- name: {name}\n(?:      .*\n)*?      run: '(.*)'\n", text)
    assert found, name
    return found[1]


def variables(output: str) -> dict[str, str]:
    """What action.yml gives the build step, with its inputs' values filled in."""
    text = (ROOT / "action.yml").read_text("utf-8")
    defaults = dict(re.findall(r'^  (\w+): \{description: ".*?", default: "?(.*?)"?\}$', text, re.MULTILINE))
    inputs = defaults | {"output": output, "python": "cp313", "arguments": "--no-test"}
    named = re.findall(r"^        (WHEELS_\w+): \$\{\{ inputs\.(\w+) \}\}$", text, re.MULTILINE)
    assert len(named) == 5
    return {variable: inputs[name] for variable, name in named}


def test_the_actions_steps_build_a_wheel(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "GITHUB_ACTION_PATH": str(ROOT),
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "GITHUB_PATH": str(tmp_path / "path"),
        **variables(str(tmp_path / "wheels")),
    }
    (tmp_path / "temp").mkdir()

    def run(name: str) -> None:
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step(name)],
            cwd=HOOKED,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{name}: {done.stdout[-2000:]}\n{done.stderr[-3000:]}"

    run("install")
    added = (tmp_path / "path").read_text("utf-8").splitlines()
    assert added == [f"{tmp_path}/temp/manyloong/bin"]  # nothing else was printed into it
    environment["PATH"] = os.pathsep.join([*added, os.environ["PATH"]])
    run("build")
    names = sorted(path.name for path in (tmp_path / "wheels").iterdir())
    assert names[0] == "hooked-1.0-cp313-cp313-manylinux_2_36_loongarch64.whl"


def test_both_services_give_the_build_the_same_words() -> None:
    script = (ROOT / "ci/build.sh").read_text("utf-8")
    wanted = set(re.findall(r"WHEELS_[A-Z]+", script))
    for file in ("action.yml", "ci/gitlab.yml"):
        assert set(re.findall(r"WHEELS_[A-Z]+(?=:)", (ROOT / file).read_text("utf-8"))) == wanted


def test_words_are_split_and_patterns_are_not_expanded(tmp_path: Path) -> None:
    program = tmp_path / "manyloong"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        [ROOT / "ci/build.sh"],
        cwd=ROOT,
        env={
            "PATH": f"{tmp_path}:/usr/bin:/bin",
            "WHEELS_ARGUMENTS": "-C a=* --no-test",
            "WHEELS_SOURCE": "a b",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    words = done.stdout.splitlines()
    assert words[:2] == ["build", "a b"]
    assert words[-3:] == ["-C", "a=*", "--no-test"]


def test_the_documented_workflow_is_short() -> None:
    page = (ROOT / "docs/how-to/continuous-integration.md").read_text("utf-8")
    workflow = page.split("```yaml\n")[1].split("```")[0]
    assert len(workflow.splitlines()) <= 12
    assert "uses: manyloong/manyloong@" in workflow
