import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("package", ["seedtest_pipeline", "assets", "resources"])
def test_each_package_resolves_inside_this_checkout_from_wherever_python_starts(package, tmp_path):
    code = f"import {package}; print({package}.__file__)"
    found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()).is_relative_to(CHECKOUT)


@pytest.mark.parametrize("lock", sorted((CHECKOUT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_a_lock_names_no_host_and_every_package_has_a_hash(lock):
    text = lock.read_text()
    assert "://" not in text
    packages = re.findall(r"^[A-Za-z0-9][\w.-]*==", text, re.MULTILINE)
    assert packages
    entries = re.split(r"^(?=[A-Za-z0-9][\w.-]*==)", text, flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_api_starts_without_what_it_does_not_need():
    """Dagster takes seconds; the others half a second and tens of megabytes each, in every process of the API."""
    unneeded = {
        "dagster", "alembic", "pandas", "pyarrow", "scipy", "boto3", "jinja2", "babel", "vl_convert", "pypandoc",
        "typst",
    }  # fmt: skip
    code = f"import sys, seedtest_pipeline.api.server; print(sorted({unneeded} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_importing_the_definitions_opens_nothing(tmp_path):
    code = (
        "import sys, seedtest_pipeline.definitions; print('psycopg' in sys.modules and __import__('os').listdir('.'))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"SEEDTEST_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not (tmp_path / "home").exists(), found.stdout


@pytest.mark.parametrize("given", ["", "0"])
def test_uv_trusts_the_authorities_of_the_machine_unless_told_otherwise(given):
    show = ["make", "--no-print-directory", "--eval", "show: ; @echo $$UV_SYSTEM_CERTS", "show"]
    environment = {"PATH": os.environ["PATH"]} | ({"UV_SYSTEM_CERTS": given} if given else {})
    said = subprocess.run(show, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True)
    known = any(Path(path).exists() for path in ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"))
    assert said.stdout.strip() == (given or ("1" if known else "0"))


def test_docs_do_not_import_from_tests():
    scripts = list((CHECKOUT / "docs").rglob("*.py"))
    assert scripts
    for script in scripts:
        imported = [
            name
            for node in ast.walk(ast.parse(script.read_text("utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        ]
        assert not [name for name in imported if name.split(".")[0] == "tests"], script.name
