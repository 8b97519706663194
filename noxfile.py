"""One door for every check: ``nox -s lint typing unit tools system``."""

import nox

nox.options.default_venv_backend = "none"  # the environment is .venv, made from requirements/dev.lock
nox.options.sessions = ["lint", "typing", "unit"]


@nox.session
def lint(session: nox.Session) -> None:
    """Style and formatting."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def typing(session: nox.Session) -> None:
    """Types, strictly."""
    session.run("mypy")


@nox.session
def unit(session: nox.Session) -> None:
    """No process, network or clock."""
    session.run("pytest", "-q", "tests/unit", *session.posargs)


@nox.session
def tools(session: nox.Session) -> None:
    """Real zig, qemu, bubblewrap and patchelf."""
    session.run("pytest", "-q", "tests/tools", *session.posargs)


@nox.session
def system(session: nox.Session) -> None:
    """Whole builds."""
    session.run("pytest", "-q", "tests/system", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve the dependencies again into requirements/*.lock (hashes, no index address)."""
    common = ["uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11"]
    common += ["--generate-hashes", "--no-header", "--quiet"]
    common += ["--extra", "index", "--extra", "provenance"]
    session.run(*common, "-o", "requirements/runtime.lock")
    session.run(*common, "--group", "dev", "-o", "requirements/dev.lock")


@nox.session
def docs(session: nox.Session) -> None:
    """Write the generated pages of the docs again."""
    session.run("python", "docs/generate.py")


@nox.session
def evidence(session: nox.Session) -> None:
    """Make the slow proofs again; commit what it writes."""
    session.run("python", "-m", "evidence.packages", *session.posargs)
    session.run("python", "-m", "evidence.ports")
    session.run("python", "-m", "evidence.rebuild", *session.posargs)
    session.run("python", "-m", "evidence.repro", *session.posargs)
    session.run("python", "-m", "evidence.linked")
    session.run("python", "-m", "evidence.tools")
    session.run("python", "-m", "evidence.floor", *session.posargs)
    session.run("python", "-m", "evidence.lanes", *session.posargs)
    session.run("python", "-m", "evidence.lanes", "--musl", *session.posargs)
    session.run("python", "-m", "evidence.musl", *session.posargs)
    session.run("python", "-m", "evidence.numeric", *session.posargs)


@nox.session
def evidence_index(session: nox.Session) -> None:
    """Let pip on loongarch64 install numpy and pandas from an index; ``-- --wheels DIR`` uses made ones."""
    session.run("python", "-m", "evidence.index_clients", *session.posargs)


@nox.session
def upstream(session: nox.Session) -> None:
    """Run all unit tests of the edited newest releases of other projects; minutes."""
    session.run("python", "-m", "upstream.check", *session.posargs)
