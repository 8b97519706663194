"""Every option of cibuildwheel has a rule, and a table laid below recipe and user keeps their order."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

from manyloong.ci.apply import apply_table
from manyloong.ci.choose import choose_pythons
from manyloong.ci.matrix import split_identifiers
from manyloong.ci.reader import BuildTable, Table, python_folder, speaks_to_cibuildwheel
from manyloong.ci.rules import rule_of, rules
from manyloong.errors import BuildError, InputError
from manyloong.targets import known_pythons, target
from manyloong.wheels.before import fill
from manyloong.wheels.hooks import Hooks, named_packages, package_ports, prelude
from manyloong.wheels.identifier import Identifier, parse_pythons
from manyloong.wheels.job import Job, Options, check_stable
from manyloong.wheels.promises import system_packages
from manyloong.wheels.recipes import Recipe
from manyloong.wheels.source import Source

TARGET = target("manylinux_2_36")
DOCS = Path(__file__).parents[3] / "docs/reference/cibuildwheel.md"
CP313 = "cp313-manylinux_loongarch64"


def schema_options() -> set[str]:
    text = files("cibuildwheel.resources").joinpath("cibuildwheel.schema.json").read_text("utf-8")
    schema = json.loads(text)
    properties = schema["properties"]
    return set(properties) | set(properties["linux"]["properties"])


@pytest.mark.parametrize("option", sorted(schema_options()))
def test_every_option_of_the_schema_has_a_rule(option: str) -> None:
    rule = rule_of(option)
    assert rule is not None
    assert rule.how in {"honoured", "ignored", "refused"}
    assert rule.why or rule.how == "honoured"


def test_no_rule_is_for_an_option_that_is_gone() -> None:
    options = schema_options() | {"manylinux-loongarch64-image", "musllinux-loongarch64-image"}
    used = {rule_of(option) for option in options}
    assert [rule.option for rule in rules() if rule not in used] == []


def test_the_page_names_every_rule() -> None:
    page = DOCS.read_text("utf-8")
    for rule in rules():
        assert f"| `{rule.option}` | {rule.how} |" in page, rule.option


def build_table(**changes: object) -> BuildTable:
    values: dict[str, object] = {
        "before_all": "",
        "before_build": "",
        "before_test": "",
        "repair_command": "auditwheel repair -w {dest_dir} {wheel}",
        "test_command": "",
        "test_requires": (),
        "test_extras": "",
        "test_sources": (),
        "test_environment": (),
        "test": True,
        "settings": (),
        "environment": (),
        "plain": (),
        "frontend": "build",
    }
    return BuildTable(**(values | changes))  # type: ignore[arg-type]


def table(build: BuildTable, *selected: str, **origins: str) -> Table:
    return Table(
        selected=selected or (CP313,),
        build="cp313-*",
        skip="",
        builds=((CP313, build),),
        origins=tuple((name.replace("_", "-"), (where,)) for name, where in origins.items()),
        notes=(),
    )


def applied(user: Options, recipe: Recipe, build: BuildTable, **origins: str) -> Options:
    return apply_table(user, recipe, table(build, **origins), CP313, network=False).options


def test_the_table_is_below_the_recipe_and_the_recipe_below_the_user() -> None:
    build = build_table(
        settings=(("a", "table"), ("b", "table"), ("c", "table")),
        environment=(("A", '"table"'), ("B", '"table"')),
        plain=(("A", "table"), ("B", "table")),
    )
    recipe = Recipe(config_settings=(("b", "recipe"), ("c", "recipe")), environment=(("B", "recipe"),))
    user = Options(config_settings=(("c", "user"),))
    options = applied(user, recipe, build)
    assert options.settings() == {"a": "table", "b": "recipe", "c": "user"}
    assert dict(options.environment) == {"A": "table", "B": "recipe"}
    assert options.hooks == Hooks()  # nothing needs a shell: the plain way


def test_variables_are_above_the_recipe() -> None:
    build = build_table(test_command="env", settings=(("a", "env"),))
    recipe = Recipe(test_command="recipe", config_settings=(("a", "recipe"),))
    origins = {"test_command": "CIBW_TEST_COMMAND", "config_settings": "CIBW_CONFIG_SETTINGS"}
    options = applied(Options(), recipe, build, **origins)
    assert options.test_command == "env"
    assert options.settings() == {"a": "env"}


def test_a_recipes_test_replaces_all_of_the_tables_and_says_so() -> None:
    build = build_table(test_command="all", test_requires=("x",), before_test="pip install y")
    recipe = Recipe(test_command="some", test_requires=("z",), origins=("recipes/p.toml",))
    found = apply_table(
        Options(), recipe, table(build, test_command="tool", before_test="tool"), CP313, network=False
    )
    assert found.options.test_command == "some"
    assert found.options.test_requires == ("z",)
    assert found.options.test_hooks.before == ""
    assert any("before-test, test-command: not used" in note and "p.toml" in note for note in found.notes)


def test_what_a_recipe_ignores_is_left_out_and_said() -> None:
    build = build_table(
        before_build="make blas",
        settings=(("setup-args", "-Dblas=1"), ("x", "1")),
        environment=(("STATIC", '"1"'), ("B", '"2"')),
        plain=(("STATIC", "1"), ("B", "2")),
    )
    ignored = (("before-build", "why"), ("config-settings.setup-args", "why"), ("environment.STATIC", "no"))
    origins = {"before_build": "tool", "config_settings": "tool", "environment": "tool"}
    found = apply_table(Options(), Recipe(ignored=ignored), table(build, **origins), CP313, network=False)
    assert found.options.hooks == Hooks()
    assert found.options.settings() == {"x": "1"}
    assert dict(found.options.environment) == {"B": "2"}
    assert "environment.STATIC: not used, no" in found.notes


def test_what_an_archive_lacks_is_left_out_and_a_checkout_must_have() -> None:
    build = build_table(before_all="sh ci.sh", missing=(("before-all", ("ci.sh",)),))
    rows = table(build, before_all="tool")
    archive = apply_table(Options(), Recipe(), rows, CP313, network=False, archive=True)
    assert archive.options.hooks.before_all == ""
    assert "before-all: not used, the source archive has no ci.sh" in archive.notes
    checkout = apply_table(Options(), Recipe(), rows, CP313, network=False)
    assert checkout.options.hooks.before_all == "sh ci.sh"


def test_variables_of_installers_are_said_to_be_for_hooks() -> None:
    build = build_table(environment=(("PIP_PRE", '"1"'),), plain=(("PIP_PRE", "1"),))
    found = apply_table(Options(), Recipe(), table(build, environment="tool"), CP313, network=False)
    assert [note for note in found.notes if note.startswith("environment.PIP_PRE: has effect in hooks only")]


def test_promised_paths_are_seen_in_settings_and_variables() -> None:
    named = applied(Options(), Recipe(), build_table(plain=(("CC", "/opt/clang/bin/clang"),)))
    assert named.hooks.promised
    assert not named.hooks.runs
    assert applied(Options(), Recipe(), build_table(settings=(("d", "/project/x"),))).hooks.promised
    assert not applied(Options(), Recipe(), build_table(plain=(("CC", "/opt/manyloong/x"),))).hooks.promised


def test_tests_without_a_command_are_none() -> None:
    options = applied(Options(), Recipe(), build_table(test_requires=("pytest",), before_test="x"))
    assert options.test_command is None
    assert options.test_requires == ()
    skipped = applied(Options(), Recipe(), build_table(test_command="pytest", test=False))
    assert skipped.test_command is None


# ---- Pythons


def choice(asked: str, *selected: str, build: str = "*") -> tuple[str, tuple[str, ...], str]:
    rows = Table(
        selected=tuple(f"{tag}-manylinux_loongarch64" for tag in selected),
        build=build,
        skip="",
        builds=(),
        origins=(("build", ("tool.cibuildwheel.build",)),),
        notes=(),
    )
    found = choose_pythons(parse_pythons(asked), rows, TARGET, requires_python=None, project="p")
    return ",".join(row.tag for row in found.pythons), found.notes, found.stable_only


def test_selectors_choose_and_the_user_chooses_over_them() -> None:
    assert choice("all", "cp314", "cp315")[0] == "cp314,cp315"
    pythons, notes, _ = choice("cp313", "cp314")
    assert pythons == "cp313"
    assert notes == ("build: not used, --python says for which Pythons",)
    pythons, notes, _ = choice("all", "cp312", "cp313", "cp313t")
    assert pythons == "cp313"
    assert "--python cp312,cp313t" in notes[0]
    assert choice("all", "cp312")[0] == "cp312"  # named alone: built from source


def test_a_selector_of_older_pythons_takes_the_lowest_and_says_so() -> None:
    pythons, notes, stable = choice("all", "cp39", build="cp39-*")
    assert pythons == "cp313"
    assert stable == "cp39-*"
    assert "names cp39, which is not here; cp313" in notes[0]


def test_a_selector_that_matches_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="names no Python") as caught:
        choice("all")
    assert "--python" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("wheel", "accepted"),
    [("p-1-py3-none-any.whl", True), ("p-1-cp39-abi3-linux_x.whl", True), ("p-1-cp313-cp313-l.whl", False)],
)
def test_only_a_wheel_for_every_python_serves_an_older_selector(wheel: str, *, accepted: bool) -> None:
    python = next(row for row in known_pythons() if row.tag == "cp313")
    source = Source(
        kind="archive", location="p", name="p", version="1", sha256="0", path=Path(), requires_python=None
    )
    options = Options(hooks=Hooks(stable_only="cp39-*"))
    job = Job(source=source, identifier=Identifier(python=python, target=TARGET), options=options, kit=())
    if accepted:
        check_stable(wheel, job)
    else:
        with pytest.raises(BuildError, match="cp39-"):
            check_stable(wheel, job)


def test_tables_are_looked_for_only_where_there_may_be_one() -> None:
    assert not speaks_to_cibuildwheel("[project]", {"PATH": "/bin"})
    assert speaks_to_cibuildwheel("[tool.cibuildwheel]", {})
    assert speaks_to_cibuildwheel("", {"CIBW_SKIP": "x"})
    assert python_folder("cp313t") == "/opt/python/cp313-cp313t"


def test_identifiers_are_split_over_jobs() -> None:
    pythons = [row for row in known_pythons() if not row.from_source]
    identifiers = [Identifier(python=row, target=TARGET) for row in pythons]
    assert [job.python for job in split_identifiers(identifiers, jobs=None)] == ["cp313", "cp314", "cp315"]
    two = split_identifiers(identifiers, jobs=2)
    assert [job.python for job in two] == ["cp313,cp315", "cp314"]
    assert {name for job in two for name in job.identifiers} == {str(one) for one in identifiers}
    assert len(split_identifiers(identifiers, jobs=9)) == len(identifiers)
    assert split_identifiers([], jobs=1) == ()


# ---- hooks


def test_system_packages_of_a_hook_are_seen() -> None:
    assert named_packages("yum install -y libffi-devel zlib-devel && make") == ("libffi-devel", "zlib-devel")
    assert named_packages("apk update && apk add --no-cache libffi-dev; ls") == ("libffi-dev",)
    assert named_packages("if true; then sudo apt-get -y install libxml2-dev; fi") == ("libxml2-dev",)
    assert named_packages("pip install yum; echo 'dnf install' x") == ()
    assert named_packages("echo 'a && b' yum install") == ()
    ports = package_ports(system_packages()["ports"], ("libffi-devel", "make", "libffi-dev"))
    assert ports == ("libffi",)


def test_every_port_of_a_system_package_exists() -> None:
    there = {name.name.removesuffix(".toml") for name in files("manyloong").joinpath("ports").iterdir()}
    named = set(system_packages()["ports"].values())
    assert named <= there
    # Parts of compilers, tools of other ports' builds, and a variant that no distribution names so.
    others = {"bison", "libgfortran", "openmp", "openblas64", "patches", "xcb-proto", "xorgproto"}
    assert there - named == others


def test_placeholders_and_variables() -> None:
    assert fill("a {project} #{project} {other}", {"project": "/project"}) == "a /project {project} {other}"
    assert prelude((("A", '"x"'), ("B", "$A"))) == 'A="x"; export A\nB=$A; export B\n'


def test_hooks_decide_a_job_and_test_hooks_only_its_tests() -> None:
    plain, hooked = Hooks(), Hooks(before_build="make")
    assert not plain.wanted
    assert hooked.wanted
    assert hooked.document() != plain.document()
