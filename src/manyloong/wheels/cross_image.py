"""The cross image of a target: the build machine's own, in which pip makes wheels of the target.

All in it is native. ``/opt/python/cpXY-cpXY`` presents itself as the target's
(``payload/cross_site.py``), compilers are the target's, and what is built is not run.
"""

from collections.abc import Iterator

from manyloong.roots.images.bill import bill_members
from manyloong.roots.images.layer import Member, Members, directory, text_file, tree_members
from manyloong.roots.images.oci import Image, Layer
from manyloong.roots.images.parts import ImageParts
from manyloong.roots.images.pythons import interpreter_members, python_folder, tool_members
from manyloong.roots.images.sites import TOOLS
from manyloong.targets import Python, Target
from manyloong.wheels import cross

_OWN_CONFIG = "/opt/manyloong/tools/cross.json"  # as the payload names it
# What belongs to one build, or to the sandbox.
_NOT_SET = (
    "CLANG_CRASH_DIAGNOSTICS_DIR", "CMAKE_BUILD_PARALLEL_LEVEL", "HOME", "MAKEFLAGS",
    "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED", "QEMU_LD_PREFIX", "SOURCE_DATE_EPOCH", "TMPDIR",
)  # fmt: skip


def cross_image(parts: ImageParts) -> Image:
    """The image, for the platform of the host; ``parts.base`` is the host's own root."""
    target = parts.target
    toolchain = {
        **dict(tree_members(parts.toolchain.zig, f"{cross.ZIG[1:]}/")),
        **dict(tree_members(parts.toolchain.target, f"{cross.TARGET[1:]}/")),
        **dict(tree_members(parts.toolchain.native, f"{cross.NATIVE[1:]}/")),
        **dict(_answers(target)),
    }
    userland = dict(tree_members(parts.base.path))
    userland |= dict.fromkeys(("tmp", "var/tmp"), directory(shared=True))
    policy = target.tag.removesuffix(f"_{target.architecture.name}")
    return Image(
        name=f"{target.tag}_cross",
        platform=f"linux/{parts.host.debian}",
        layers=(
            Layer(title=f"userland: {parts.base.name}", members=userland),
            Layer(title=f"compilers for {target.tag}", members=toolchain),
            Layer(title="interpreters that answer for the target", members=_interpreters(parts)),
        ),
        environment=(
            *_variables().items(),
            ("AUDITWHEEL_POLICY", policy),
            ("AUDITWHEEL_ARCH", target.architecture.name),
            ("AUDITWHEEL_PLAT", target.tag),
            ("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"),
        ),
        command=("/bin/bash",),
        labels=(
            ("manyloong.cross", "true"),
            ("manyloong.platform-tag", target.tag),
            ("manyloong.root", f"{parts.base.name}@{parts.base.id}"),
            ("manyloong.toolchain", parts.toolchain.id),
            ("org.opencontainers.image.title", f"{target.tag}_cross"),
            ("org.opencontainers.image.description", f"Cross-build wheels tagged {target.tag}"),
        ),
        epoch=parts.epoch,
    )


def _variables() -> dict[str, str]:
    """Those of a cross build, but for what belongs to one build; the image's own programs on PATH."""
    found = {
        name: text for name, text in cross.cross_variables(epoch=0, jobs=1).items() if name not in _NOT_SET
    }
    found["PATH"] = f"{cross.TOOLS}/cross:{cross.TARGET}/bin:/usr/local/bin:/usr/bin:/bin"
    found["MANYLOONG_TOOLCHAIN_LOG"] = ""
    return found


def _answers(target: Target) -> Iterator[tuple[str, Member]]:
    for name, text in cross.cross_programs(target).items():
        yield f"{cross.TOOLS[1:]}/{name}", text_file(text, program=True)


def _interpreters(parts: ImageParts) -> Members:
    found = interpreter_members(parts)
    for python in parts.pythons:
        config = f"{cross.TOOLS}/cross-{python.tag}.json"
        found[config[1:]] = text_file(cross.cross_config_text(parts.target, python))
        home = found[f"opt/python/{python_folder(python)}"].link[1:]
        found |= _presenting(home, python, config)
    first = parts.distribution[0]
    tools = _presenting(TOOLS, first, f"{cross.TOOLS}/cross-{first.tag}.json")  # auditwheel asks where it is
    return found | tool_members(parts) | tools | bill_members(parts)


def _presenting(home: str, python: Python, config: str) -> Members:
    """What makes an environment answer for the target."""
    site = f"{home}/lib/{python.name}/site-packages"
    module = cross.cross_site_text().replace(_OWN_CONFIG, config)
    return {
        f"{site}/_manyloong_cross.py": text_file(module),
        f"{site}/_manyloong_cross.pth": text_file(cross.PTH),
    }
