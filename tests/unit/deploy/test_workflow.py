"""The public workflow: others' actions are pinned by commit, it may do no more than read, and what it makes exists."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).parents[3]
FILE = CHECKOUT / ".github" / "workflows" / "checks.yml"
TEXT = FILE.read_text("utf-8")
JOBS = yaml.safe_load(TEXT)["jobs"]


def checked(*command):
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_nothing():
    zizmor = Path(sys.executable).with_name("zizmor")
    checked(zizmor, "--offline", "--quiet", "--persona", "pedantic", ".github")


def test_it_is_of_githubs_schema():
    checked(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(FILE))


def test_it_may_only_read_and_each_action_is_a_commit_with_its_version_beside_it():
    assert [job for job in JOBS.values() if job["permissions"] != {"contents": "read"}] == []
    used = re.findall(r"uses: (.*)", TEXT)
    assert used
    assert [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_the_targets_that_it_makes_are_there():
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text("utf-8"), re.MULTILINE))
    commands = "\n".join(step.get("run", "") for job in JOBS.values() for step in job["steps"])
    made = set(re.findall(r"make (?:--\S+ )*([a-z-]+)", commands))
    assert made
    assert made - targets == set()
