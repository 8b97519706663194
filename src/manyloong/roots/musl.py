"""The toolchain of a target whose C library is musl: the library itself is built from its source first.

Everything else is as ``toolchain.py`` has it: clang's own driver and lld over a sysroot, GCC's C++ library,
the same wrappers. It holds no CPython's headers: musl's CPythons are built by it, and bring their own.
"""

import hashlib
import json
import shutil
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from manyloong.errors import BuildError
from manyloong.events import StageFinished, StageStarted
from manyloong.roots.compile import CompileDoors
from manyloong.roots.crossfiles import cmake_toolchain, meson_cross
from manyloong.roots.layout import Layout, host_python
from manyloong.roots.libstdcxx import KIND as CXX_KIND
from manyloong.roots.libstdcxx import OUTPUT, WORK, CxxPlan, gcc_source
from manyloong.roots.runtime import libc_source
from manyloong.roots.sources import ensure_sources
from manyloong.roots.toolchain import Toolchain, TreePlan, write_record, write_tree
from manyloong.roots.wrappers import BINUTILS, clang_configuration, wrapper_modules, wrapper_scripts
from manyloong.sandbox import Bind, Command, Done
from manyloong.store.normalise import normalise_tree
from manyloong.targets import Target

RECIPE = 1  # bump when what is built changes although its inputs do not
KIND = "toolchain"
_PROGRAMS = ("payload/musl_sysroot.py", "payload/sysroot.py")
_MUSL_WORK = ".work"  # inside the tree while it is built
_ENVIRONMENT = (
    ("PATH", "/usr/bin:/bin"),
    ("HOME", "/home"),
    ("LC_ALL", "C.UTF-8"),
    ("SOURCE_DATE_EPOCH", "0"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MuslPlan:
    """The tree before it is built."""

    tree: TreePlan
    target: Target

    def specification(self) -> dict[str, object]:
        """What payload/musl_sysroot.py is told."""
        layout = self.tree.layout
        musl = {
            "archive": f"{WORK}/musl",
            "triplet": layout.triplet,
            "soname": soname(self.target),
            "loader": self.target.interpreter,
            "binaries": layout.binaries,
        }
        return {**self.tree.specification(), "musl": musl}

    def key(self, zig: str) -> str:
        """SHA-256 of the plan, of musl's source and of the programs that build."""
        document = {
            "recipe": RECIPE,
            "tree": self.tree.key(zig),
            "specification": self.specification(),
            "source": libc_source(self.target).sha256,
            "programs": [files("manyloong.roots").joinpath(name).read_text("utf-8") for name in _PROGRAMS],
        }
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def soname(target: Target) -> str:
    """The name by which wheels ask for musl, as Alpine has it."""
    return f"libc.musl-{target.architecture.name}.so.1"


def plan_musl(target: Target, *, native_root: Path, binutils: str, layout: Layout | None = None) -> MuslPlan:
    """The tree that compiles for a musl target; ``binutils`` is the triplet of the native root's own."""
    architecture = target.architecture
    layout = layout or Layout(triplet=target.triplet, python=host_python(native_root))
    zig_target = ("-target", target.zig_target, f"-mcpu={architecture.zig.cpu}")
    configuration = clang_configuration(layout, architecture.compiler.flags)
    modules = wrapper_modules(
        layout, page_size=architecture.page_align_build, rewrites=architecture.compiler.rewrites
    )
    scripts = wrapper_scripts(layout, triplet_names=True)
    tree = TreePlan(
        layout=layout,
        zig_target=zig_target,
        cxx=CxxPlan(layout=layout, zig_target=zig_target, configuration=configuration, library=True),
        files={
            **{f"lib/clang/{name}": text for name, text in configuration.items()},
            **{f"lib/wrappers/{name}": text for name, text in modules.items()},
            f"{layout.gcc}/crtbegin.o": "",  # by which clang's driver knows such a directory
            "cmake/toolchain.cmake": cmake_toolchain(layout, target),
            "meson/cross.ini": meson_cross(layout, target),
        },
        executables={f"bin/{name}": text for name, text in scripts.items()},
        links=_binutils(layout, binutils),
        headers=architecture.compiler.headers,
    )
    return MuslPlan(tree=tree, target=target)


def _binutils(layout: Layout, triplet: str) -> dict[str, str]:
    """Name in the tree -> Debian's program: it reads and strips whatever the C library is."""
    paths = {name: f"/usr/bin/{triplet}-{name}" for name in BINUTILS}
    paths["gcc-nm"] = paths["nm"]
    names = {**paths, **{f"{layout.triplet}-{name}": path for name, path in paths.items()}}
    return {f"bin/{name}": path for name, path in names.items()}


def ensure_musl_toolchain(
    target: Target, base: Toolchain, *, native_root: Path, binutils: str, doors: CompileDoors
) -> Toolchain:
    """The toolchain, built on first use. ``base``: that of the build machine, whose native tree it shares.

    Raises FetchError, IntegrityError, BuildError.
    """
    plan = plan_musl(target, native_root=native_root, binutils=binutils)
    key = plan.key(base.zig.name)
    builder = _Builder(plan=plan, zig=base.zig, root=native_root, doors=doors)
    tree = doors.store.tree(KIND, key, builder.build)
    identifier = hashlib.sha256(f"{base.zig.name}\n{key}\n{base.native.name}".encode()).hexdigest()
    return replace(base, id=identifier, target=tree)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Builder:
    """One tree, and the doors that building it needs."""

    plan: MuslPlan
    zig: Path
    root: Path
    doors: CompileDoors

    def build(self, directory: Path) -> None:
        """Fill an empty directory: our files, musl, the unwinder, the C++ library."""
        plan, doors, layout = self.plan, self.doors, self.plan.tree.layout
        source = libc_source(plan.target)
        paths = ensure_sources(
            [source], fetcher=doors.fetcher, mirrors=doors.mirrors, listener=doors.listener
        )
        job = f"{source.name} {source.version} {plan.target.architecture.name}"
        doors.listener(StageStarted(job=job, stage="compile"))
        write_tree(plan.tree, directory)
        work = directory / _MUSL_WORK
        work.mkdir()
        for name in _PROGRAMS:
            text = files("manyloong.roots").joinpath(name).read_text("utf-8")
            (work / Path(name).name).write_text(text, "utf-8")
        (work / "spec.json").write_text(json.dumps(plan.specification()), "utf-8")
        inside = f"{layout.tree}/{_MUSL_WORK}"
        argv = (layout.python, "-ISs", f"{inside}/musl_sysroot.py", f"{inside}/spec.json")
        with doors.store.scratch(KIND) as scratch:
            (scratch / "musl").hardlink_to(paths[source.name])
            done = self.run(argv, directory, scratch)
        cxx = doors.store.tree(
            CXX_KIND, plan.tree.cxx.key(self.zig.name), lambda tree: self.build_cxx(directory, tree)
        )
        shutil.copytree(cxx / "usr", directory / "sysroot" / "usr", symlinks=True, dirs_exist_ok=True)
        write_record(plan.tree, directory, {})
        shutil.rmtree(work)
        normalise_tree(directory, epoch=0)
        doors.listener(StageFinished(job=job, stage="compile", seconds=done.seconds))

    def build_cxx(self, directory: Path, tree: Path) -> None:
        """The C++ library, compiled by the C toolchain in ``directory``."""
        doors, plan = self.doors, self.plan.tree
        source = gcc_source()
        paths = ensure_sources(
            [source], fetcher=doors.fetcher, mirrors=doors.mirrors, listener=doors.listener
        )
        job = f"{CXX_KIND} {plan.layout.triplet}"
        doors.listener(StageStarted(job=job, stage="compile"))
        with doors.store.scratch(CXX_KIND) as scratch:
            argv = plan.cxx.argv(scratch, paths[source.name])
            output = Bind(source=tree, target=OUTPUT, writable=True)
            done = self.run(argv, directory, scratch, binds=(output,))
        normalise_tree(tree, epoch=0)
        doors.listener(StageFinished(job=job, stage="compile", seconds=done.seconds))

    def run(
        self, argv: tuple[str, ...], directory: Path, scratch: Path, *, binds: tuple[Bind, ...] = ()
    ) -> Done:
        """Run in the sandbox with the tree and the scratch folder writable; BuildError where it fails."""
        layout = self.plan.tree.layout
        own = (
            Bind(source=self.zig, target=layout.zig),
            Bind(source=directory, target=layout.tree, writable=True),
            Bind(source=scratch, target=WORK, writable=True),
        )
        command = Command(
            argv=argv,
            root=self.root,
            log=scratch / "log",
            environment=_ENVIRONMENT,
            binds=(*own, *binds),
        )
        done = self.doors.runner.run(command)
        if not done.succeeded:
            raise BuildError(
                f"the toolchain for {self.plan.target.tag} could not be built ({done.outcome}, "
                f"exit code {done.returncode}):\n{done.last_lines(40)}",
                hint="see what this host can do: manyloong doctor",
            )
        return done
