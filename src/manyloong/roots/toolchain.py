"""Compilers for a target's floor and for the build machine, as trees of the store. Built in the sandbox.

The page to read first: what is planned is in layout.py, wrappers.py, crossfiles.py and pyconfig.py (pure),
what runs inside is in payload/.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from manyloong.errors import BuildError, NotFoundError
from manyloong.events import Listener, StageFinished, StageStarted
from manyloong.roots.crossfiles import cmake_toolchain, meson_cross, meson_native
from manyloong.roots.layout import NATIVE_PATH, TARGET_PATH, ZIG_PATH, Layout, host_python
from manyloong.roots.libstdcxx import KIND as CXX_KIND
from manyloong.roots.libstdcxx import OUTPUT, WORK, CxxPlan, gcc_source
from manyloong.roots.pythons import (
    TargetPython,
    exported_functions,
    find_libc,
    find_pythons,
    probe_files,
    write_python,
)
from manyloong.roots.sources import ensure_sources
from manyloong.roots.wrappers import (
    NATIVE_LINKER,
    binutils_links,
    clang_configuration,
    wrapper_modules,
    wrapper_scripts,
)
from manyloong.sandbox import Bind, Command, Done, Runner
from manyloong.store import Fetcher, Store
from manyloong.store.normalise import normalise_tree
from manyloong.targets import FlagRule, Host, Target

RECIPE = 1  # bump when what is built changes although its inputs and _PROGRAMS do not
_PROGRAMS = ("toolchain.py", "payload/sysroot.py", "pythons.py", "pyconfig.py")
_WORK = ".work"  # inside a tree while it is built
_ENVIRONMENT = (
    ("PATH", "/usr/bin:/bin"),
    ("HOME", "/home"),
    ("LC_ALL", "C.UTF-8"),
    ("SOURCE_DATE_EPOCH", "0"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """Where the trees are on the host; ``id`` names all that decides them."""

    id: str
    zig: Path
    target: Path
    native: Path

    def binds(self) -> tuple[Bind, ...]:
        """The trees at their places inside the sandbox."""
        pairs = ((self.zig, ZIG_PATH), (self.target, TARGET_PATH), (self.native, NATIVE_PATH))
        return tuple(Bind(source=source, target=target) for source, target in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreePlan:
    """One tree before it is built: every byte of ours in it, and how zig is asked for the rest."""

    layout: Layout
    zig_target: tuple[str, ...]  # as ``zig cc`` takes it
    cxx: CxxPlan
    files: Mapping[str, str]  # path in the tree -> text
    executables: Mapping[str, str]
    links: Mapping[str, str]
    headers: tuple[str, ...] = ("*",)  # of clang's own, besides the language's
    libc_kernel: tuple[int, ...] = ()  # in the ABI note of the start files; empty: as zig has it
    pythons: tuple[TargetPython, ...] = ()
    libc: tuple[Path, ...] = ()  # files of the C library those were configured with

    def specification(self) -> dict[str, object]:
        """What payload/sysroot.py is told."""
        return {
            "zig": f"{self.layout.zig}/zig",
            "tree": self.layout.tree,
            "runtime": self.layout.runtime,
            "zig_target": self.zig_target,
            "compile": self.layout.clang(),
            "compile_cxx": self.layout.clang(cxx=True),
            "headers": self.headers,
            "libc_kernel": self.libc_kernel,
        }

    def key(self, zig: str) -> str:
        """SHA-256 of the plan, of the zig tree's name and of the programs that build, this one among them."""
        programs = [files("manyloong.roots").joinpath(name).read_text("utf-8") for name in _PROGRAMS]
        document = {
            "recipe": RECIPE,
            "zig": zig,
            "specification": self.specification(),
            "files": dict(self.files),
            "executables": dict(self.executables),
            "links": dict(self.links),
            "programs": programs,
            "cxx": self.cxx.key(zig),
            "pythons": [python.digest for python in self.pythons],
            "libc": [hashlib.sha256(path.read_bytes()).hexdigest() for path in self.libc],
        }
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def ensure_toolchain(  # noqa: PLR0913 - the doors, by name
    target: Target,
    host: Host,
    *,
    zig: Path,
    native_root: Path,
    target_root: Path,
    store: Store,
    fetcher: Fetcher,
    mirrors: Sequence[str],
    runner: Runner,
    listener: Listener,
) -> Toolchain:
    """The toolchain, built on first use, both trees at once; BuildError with the log's end.

    GCC's source is fetched only where its C++ library is not there yet: FetchError, IntegrityError.
    """
    plans = (
        plan_target(target, native_root=native_root, target_root=target_root),
        plan_native(target, host, native_root=native_root),
    )
    source = None
    if any(store.tree_path(CXX_KIND, plan.cxx.key(zig.name)) is None for plan in plans):
        pinned = gcc_source()
        paths = ensure_sources([pinned], fetcher=fetcher, mirrors=mirrors, listener=listener)
        source = paths[pinned.name]
    builder = _Builder(
        zig=zig, root=native_root, source=source, store=store, runner=runner, listener=listener
    )
    keys = [plan.key(zig.name) for plan in plans]
    with ThreadPoolExecutor(len(plans)) as pool:
        trees = list(pool.map(builder.ensure, ("toolchain", "toolchain-native"), keys, plans))
    identifier = hashlib.sha256("\n".join([zig.name, *keys]).encode()).hexdigest()
    return Toolchain(id=identifier, zig=zig, target=trees[0], native=trees[1])


def plan_target(
    target: Target, *, native_root: Path, target_root: Path, layout: Layout | None = None
) -> TreePlan:
    """The tree that compiles for a target; NotFoundError where the target root has no CPython headers."""
    architecture = target.architecture
    layout = layout or Layout(triplet=target.triplet, python=host_python(native_root))
    pythons = find_pythons(target_root, target.triplet)
    if not pythons:
        raise NotFoundError(
            f"no CPython headers for {target.triplet} in {target_root}",
            hint="build the root again: manyloong root build",
        )
    plan = _plan(
        layout,
        native_root=native_root,
        zig_target=("-target", target.zig_target, f"-mcpu={architecture.zig.cpu}"),
        flags=architecture.compiler.flags,
        rewrites=architecture.compiler.rewrites,
        page_size=architecture.page_align_build,
        native=False,
    )
    texts = {
        **plan.files,
        "cmake/toolchain.cmake": cmake_toolchain(layout, target),
        "meson/cross.ini": meson_cross(layout, target),
    }
    libc = find_libc(target_root, target.triplet)
    kernel = architecture.glibc_kernel if target.libc == "glibc" else ()
    headers = architecture.compiler.headers
    return replace(plan, files=texts, pythons=pythons, libc=libc, headers=headers, libc_kernel=kernel)


def plan_native(target: Target, host: Host, *, native_root: Path, layout: Layout | None = None) -> TreePlan:
    """The tree that compiles for the build machine: the same C library and floor.

    Its C++ library is that of the root in which those programs run.
    """
    floor = target.zig_target.removeprefix(target.architecture.zig.triple)
    layout = layout or Layout(
        triplet=host.triplet, tree=NATIVE_PATH, python=host_python(native_root), ports=""
    )
    plan = _plan(
        layout,
        native_root=native_root,
        zig_target=("-target", f"{host.zig_triple}{floor}"),
        flags=(),
        rewrites=(),
        page_size=None,
        native=True,
    )
    library = f"/usr/lib/{layout.triplet}/libstdc++.so.6"
    return replace(
        plan,
        files={
            **plan.files,
            "meson/native.ini": meson_native(layout),
            "sysroot/usr/lib/libstdc++fs.a": "/* std::filesystem is in libstdc++ */\n",
        },
        links={**plan.links, "sysroot/usr/lib/libstdc++.so": library},
    )


def _plan(
    layout: Layout,
    *,
    native_root: Path,
    zig_target: tuple[str, ...],
    flags: tuple[str, ...],
    rewrites: tuple[FlagRule, ...],
    page_size: int | None,
    native: bool,
) -> TreePlan:
    configuration = clang_configuration(layout, flags)
    linker = NATIVE_LINKER if native else ()
    modules = wrapper_modules(layout, page_size=page_size, rewrites=rewrites, linker=linker)
    links = binutils_links(layout, triplet_names=not native)
    return TreePlan(
        layout=layout,
        zig_target=zig_target,
        cxx=CxxPlan(layout=layout, zig_target=zig_target, configuration=configuration, library=not native),
        files={
            **{f"lib/clang/{name}": text for name, text in configuration.items()},
            **{f"lib/wrappers/{name}": text for name, text in modules.items()},
            f"{layout.gcc}/crtbegin.o": "",  # by which clang's driver knows such a directory
        },
        executables={
            f"bin/{name}": text for name, text in wrapper_scripts(layout, triplet_names=not native).items()
        },
        links={
            **{f"bin/{name}": path for name, path in links.items() if (native_root / path[1:]).exists()},
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Builder:
    """The doors that building a tree needs."""

    zig: Path
    root: Path
    source: Path | None  # GCC's, where it is needed
    store: Store
    runner: Runner
    listener: Listener

    def ensure(self, kind: str, key: str, plan: TreePlan) -> Path:
        return self.store.tree(kind, key, lambda directory: self.build(kind, plan, directory))

    def build(self, kind: str, plan: TreePlan, directory: Path) -> None:
        self.listener(StageStarted(job=kind, stage="compile"))
        with self.store.scratch(kind) as scratch:
            write_tree(plan, directory)
            work = directory / _WORK
            work.mkdir()
            program = files("manyloong.roots").joinpath("payload/sysroot.py").read_text("utf-8")
            (work / "sysroot.py").write_text(program, "utf-8")
            (work / "spec.json").write_text(json.dumps(plan.specification()), "utf-8")
            inside = f"{plan.layout.tree}/{_WORK}"
            argv = (plan.layout.python, "-ISs", f"{inside}/sysroot.py", f"{inside}/spec.json")
            done = self.run(plan, argv, directory, scratch)
            removed = self.probe(plan, directory, scratch) if plan.pythons else {}
            for python in plan.pythons:
                names = removed[python.name]
                write_python(python, directory / "python" / python.name, plan.layout, removed=names)
            cxx = self.store.tree(
                CXX_KIND, plan.cxx.key(self.zig.name), lambda tree: self.build_cxx(plan, directory, tree)
            )
            shutil.copytree(cxx / "usr", directory / "sysroot" / "usr", symlinks=True, dirs_exist_ok=True)
            write_record(plan, directory, removed)
            shutil.rmtree(work)
            normalise_tree(directory, epoch=0)
        self.listener(StageFinished(job=kind, stage="compile", seconds=done.seconds))

    def build_cxx(self, plan: TreePlan, directory: Path, tree: Path) -> None:
        """The C++ library, compiled by the C toolchain in ``directory``."""
        if self.source is None:
            raise BuildError("GCC's source is gone", hint="run the same command again")
        job = f"{CXX_KIND} {plan.layout.triplet}"
        self.listener(StageStarted(job=job, stage="compile"))
        with self.store.scratch(CXX_KIND) as scratch:
            argv = plan.cxx.argv(scratch, self.source)
            binds = (
                Bind(source=scratch, target=WORK, writable=True),
                Bind(source=tree, target=OUTPUT, writable=True),
            )
            done = self.run(plan, argv, directory, scratch, binds=binds)
        normalise_tree(tree, epoch=0)
        self.listener(StageFinished(job=job, stage="compile", seconds=done.seconds))

    def probe(self, plan: TreePlan, directory: Path, scratch: Path) -> dict[str, tuple[str, ...]]:
        """Which promises of each Python's configuration the floor does not keep: one link, one preprocess."""
        work = directory / _WORK
        inside = f"{plan.layout.tree}/{_WORK}"
        probes = probe_files(plan.pythons, exported_functions(plan.libc))
        for name, text in probes.texts.items():
            (work / name).write_text(text, "utf-8")
        compiler = f"{plan.layout.binaries}/cc"
        link = (
            compiler,
            "-shared",
            "-nostartfiles",
            "-Wl,-z,defs,--error-limit=0,--no-gc-sections",
            f"{inside}/functions.S",
        )
        linked = self.run(plan, (*link, "-o", f"{inside}/out", "-lm"), directory, scratch, check=False)
        preprocess = (compiler, "-E", "-P", f"{inside}/headers.c")
        headers = self.run(plan, preprocess, directory, scratch)
        return probes.judge(linked.log.read_text("utf-8"), headers.log.read_text("utf-8"))

    def run(
        self,
        plan: TreePlan,
        argv: tuple[str, ...],
        directory: Path,
        scratch: Path,
        *,
        binds: tuple[Bind, ...] = (),
        check: bool = True,
    ) -> Done:
        """Run in the sandbox with the tree writable; BuildError where it fails and ``check`` is set."""
        number = len(list(scratch.glob("*.log")))
        trees = (
            Bind(source=self.zig, target=plan.layout.zig),
            Bind(source=directory, target=plan.layout.tree, writable=True),
        )
        done = self.runner.run(
            Command(
                argv=argv,
                root=self.root,
                log=scratch / f"{number}.log",
                environment=_ENVIRONMENT,
                binds=(*trees, *binds),
            )
        )
        if check and not done.succeeded:
            raise BuildError(
                f"the toolchain in {plan.layout.tree} could not be built ({done.outcome}, "
                f"exit code {done.returncode}):\n{done.last_lines()}",
                hint="see what this host can do: manyloong doctor",
            )
        return done


def write_tree(plan: TreePlan, directory: Path) -> None:
    """The files that are ours."""
    for name, text in {**plan.files, **plan.executables}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(0o755 if name in plan.executables else 0o644)
    for name, target in plan.links.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    (directory / "lib" / "pkgconfig").mkdir(parents=True, exist_ok=True)


def write_record(plan: TreePlan, directory: Path, removed: Mapping[str, tuple[str, ...]]) -> None:
    """``toolchain.json``: what the tree is, and which names each pyconfig.h lost."""
    document = {
        "recipe": RECIPE,
        "zig_target": " ".join(plan.zig_target),
        "triplet": plan.layout.triplet,
        "pythons": {name: {"removed": list(names)} for name, names in sorted(removed.items())},
    }
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    (directory / "toolchain.json").write_text(text, "utf-8")
