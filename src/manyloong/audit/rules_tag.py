"""Rules on tags and names: ML020 to ML022, ML025 to ML030."""

import re
from collections.abc import Iterator

from manyloong.audit.case import Case
from manyloong.audit.facts import ElfFacts, WheelFacts
from manyloong.audit.names import parse_extension_name
from manyloong.audit.verdict import Evidence, Finding, finding
from manyloong.targets import Policy, Target

_FLOOR = re.compile(r"(?P<family>manylinux|musllinux)_(?P<major>\d{1,4})_(?P<minor>\d{1,4})_(?P<arch>.+)")


def claimed_floor(platform: str, target: Target) -> tuple[int, int] | None:
    """The libc version that a platform tag of the target's family and architecture promises."""
    match = _FLOOR.fullmatch(platform)
    if match is None or (match["family"], match["arch"]) != (target.family, target.architecture.name):
        return None
    return int(match["major"]), int(match["minor"])


def lowest_claim(wheel: WheelFacts, target: Target) -> tuple[int, int] | None:
    """The oldest floor the wheel promises to run on; None where no tag is of the target's platform."""
    claims = [claim for one in wheel.platforms if (claim := claimed_floor(one, target)) is not None]
    return min(claims, default=None)


def platform_problem(platform: str, policy: Policy) -> tuple[str, str] | None:
    """Why a platform tag must be refused, as (rule, reason); None for one that may stand."""
    target = policy.target
    arch = target.architecture.name
    if platform == f"linux_{arch}":
        return "ML022", f"{platform} names no libc and no floor"
    if platform.removesuffix(f"_{arch}") in policy.legacy_aliases and platform.endswith(arch):
        return "ML021", f"{platform} is an alias older than the architecture"
    claim = claimed_floor(platform, target)
    if claim is None:
        what = f"not {target.family}" if platform.endswith(f"_{arch}") else f"not {arch}"
        return "ML025", f"{platform} is {what}"
    if claim < policy.min_floor:
        least = "_".join(map(str, policy.min_floor))
        return "ML020", f"{platform} is below {target.family}_{least}: {policy.why_floor}"
    return None


def is_elsewhere(wheel: WheelFacts, target: Target) -> bool:
    """Whether no platform tag of the wheel is of the target's architecture (and it has tags)."""
    names = wheel.platforms
    return bool(names) and not any(
        one.endswith(f"_{target.architecture.name}") or one == "any" for one in names
    )


def tag_rules(case: Case) -> Iterator[Finding]:
    """Every rule on the platform tags of a wheel."""
    wheel = case.wheel
    if wheel is None or not wheel.tags:
        return
    for platform in wheel.platforms:
        place = Evidence(value=platform)
        if platform == "any":
            if wheel.elves:
                files = [Evidence(file=elf.path, value=platform) for elf in wheel.elves]
                yield finding("ML027", f"tag any, but {len(wheel.elves)} ELF files", *files)
            continue
        problem = platform_problem(platform, case.policy)
        if problem is not None:
            yield finding(problem[0], problem[1], place)
    claim = lowest_claim(wheel, case.target)
    if claim is not None and claim > case.target.floor:
        told = f"{case.target.family}_{claim[0]}_{claim[1]}"
        yield finding("ML026", f"{told} does not install on {case.target.tag}", Evidence(value=told))
    if wheel.members and not wheel.elves and "any" not in wheel.platforms:
        text = " ".join(wheel.platforms)
        yield finding("ML028", f"tag {text}, but no compiled code", Evidence(value=text))


def extension_name(elf: ElfFacts, case: Case) -> Iterator[Finding]:
    """ML029, and ML030 for a version's own module in an abi3 wheel."""
    name = parse_extension_name(elf.path)
    if name is None:
        return
    place = Evidence(file=elf.path, value=elf.path.rsplit("/", 1)[-1])
    if name.triplet not in {"", case.target.triplet}:
        detail = f"suffix names {name.triplet}, the platform is {case.target.triplet}"
        yield finding("ML029", f"{elf.path}: {detail}", place)
    wheel = case.wheel
    if wheel is None or not wheel.tags or name.abi.startswith("abi3"):
        return
    abis = {abi for _, abi, _ in wheel.tags}
    if name.abi in abis:
        return
    if "abi3" in abis:
        yield finding("ML030", f"{elf.path}: made for {name.abi} only, in an abi3 wheel", place)
    else:
        yield finding(
            "ML029", f"{elf.path}: made for {name.abi}, the wheel's tag says {', '.join(sorted(abis))}", place
        )
