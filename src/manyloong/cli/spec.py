"""``manyloong spec``: the ABI specification shown, explained, compared and rendered."""

from pathlib import Path
from typing import Annotated

import typer

from manyloong.cli.options import AsJson

app = typer.Typer(
    name="spec",
    help="The ABI specification of loongarch64 wheels.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Examples: manyloong spec show; manyloong spec explain ML040; manyloong spec diff --auditwheel",
)


@app.command()
def show(as_json: AsJson = False) -> None:
    """What a wheel may need and what it must be, for each platform tag."""
    from manyloong.cli import terminal
    from manyloong.spec import to_json, to_text

    if as_json:
        terminal.print_json(to_json())
    else:
        print(to_text())


@app.command()
def explain(
    rules: Annotated[
        list[str] | None, typer.Argument(metavar="[RULE]...", help="Rule ids; none lists all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a rule of the auditor says, why, and what to do."""
    from dataclasses import asdict

    from manyloong.cli import terminal
    from manyloong.targets import all_rules, rule

    found = [rule(key) for key in rules] if rules else list(all_rules())
    if as_json:
        terminal.print_json([asdict(one) for one in found])
        return
    for one in found:
        print(f"{terminal.styled(one.id, 'bold')} {one.severity:7} {one.title}")
        if rules:
            print(f"  kind    {one.kind}\n  why     {one.why}\n  do      {one.fix}\n  source  {one.source}")


@app.command("check-tag")
def check_tag(tags: Annotated[list[str], typer.Argument(metavar="TAG...", help="Platform tags.")]) -> None:
    """Whether platform tags may be published, and why not. Exit code 9 when one may not."""
    from manyloong.cli import terminal
    from manyloong.errors import VerdictError
    from manyloong.spec import check_tag as check

    found = [check(tag) for tag in tags]
    for one in found:
        word = terminal.styled("accepted", "good") if one.accepted else terminal.styled("refused ", "error")
        print(f"{word} {one.tag}: {one.reason}{f' ({one.rule})' if one.rule else ''}")
    if not all(one.accepted for one in found):
        raise typer.Exit(VerdictError.exit_code)


@app.command()
def diff(
    auditwheel: Annotated[bool, typer.Option("--auditwheel", help="With the installed auditwheel.")] = True,
    as_json: AsJson = False,
) -> None:
    """Each difference from auditwheel's policies, with its reason."""
    from dataclasses import asdict

    from manyloong.cli import terminal
    from manyloong.spec import UNCHECKED, compare, grouped, installed_policies

    del auditwheel  # the only other specification there is
    version, policies = installed_policies()
    found = compare(policies)
    if as_json:
        terminal.print_json({"auditwheel": version, "differences": [asdict(one) for one in found]})
        return
    for tags, one in grouped(found):
        print(f"{one.what}: {one.ours}; auditwheel {version}: {one.theirs}")
        print(f"    {one.why}\n    {' '.join(tags)}")
    print(f"\nauditwheel {version} does not look at:")
    for what, rules in UNCHECKED:
        print(f"  {what} ({rules})")


_EVIDENCE = Annotated[Path, typer.Option(help="Folder of the proofs' results.")]
_RECORDS = Annotated[
    Path | None,
    typer.Option(help="Folder with build records (WHEEL.record.json) to list; else those of the evidence."),
]


@app.command()
def pep(
    evidence: _EVIDENCE = Path("evidence"),
    records: _RECORDS = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it there; else it is printed.")
    ] = None,
) -> None:
    """The PEP draft, rendered from the specification, the evidence and build records."""
    from manyloong.cli.spec_pages import read_builds, read_evidence, read_records
    from manyloong.spec.pep import render_pep
    from manyloong.store import write_whole

    found = read_evidence(evidence)
    text = render_pep(found, read_builds(found) if records is None else read_records(records))
    if output is None:
        print(text, end="")
    else:
        write_whole(output, text.encode())


@app.command()
def pages(
    docs: Annotated[Path, typer.Argument(help="The docs folder.")] = Path("docs"),
    evidence: _EVIDENCE = Path("evidence"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 when a page is stale.")
    ] = False,
) -> None:
    """Write the pages of the docs that are made from the specification."""
    from manyloong.cli.spec_pages import all_pages, read_evidence
    from manyloong.store import write_whole

    stale = False
    for name, text in all_pages(read_evidence(evidence)).items():
        path = docs / name
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale = True
        print(f"{'stale' if check else 'wrote'} {path}")
        if not check:
            write_whole(path, text.encode())
    if check and stale:
        raise typer.Exit(1)


@app.command()
def guard(
    into: Annotated[
        Path | None, typer.Option(help="Write it into this folder of sys.path; else it is printed.")
    ] = None,
) -> None:
    """The _manylinux module that makes today's pip refuse wheels below the floor."""
    from manyloong.spec import guard_text, install_guard

    if into is None:
        print(guard_text(), end="")
    else:
        print(install_guard(into))


@app.command()
def corpus(folder: Annotated[Path, typer.Argument(help="Where the samples are written.")]) -> None:
    """Write the conformance corpus: for each rule a file that trips it and one that does not."""
    from manyloong.corpus import all_samples

    for one in all_samples():
        path = folder / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.data)
    print(f"{len(all_samples())} samples in {folder}")
