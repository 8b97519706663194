"""Whether a platform tag may be used, and why not. PEP 600, PEP 656."""

import re
from dataclasses import dataclass

from manyloong.targets import Policy, judged_targets, policy

_FLOOR = re.compile(r"(?P<family>manylinux|musllinux)_(?P<major>\d{1,4})_(?P<minor>\d{1,4})_(?P<arch>\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TagVerdict:
    """The answer on one tag; ``rule`` is the id of the rule that refuses it, "" for none."""

    tag: str
    accepted: bool
    rule: str
    reason: str


def check_tag(tag: str) -> TagVerdict:
    """Whether a wheel with this platform tag may be published for this architecture.

    A tag with a floor newer than any written policy is not refused by its name: it is just not judged yet.
    """
    rows = [policy(row) for row in judged_targets()]
    archs = tuple(dict.fromkeys(one.target.architecture.name for one in rows))
    arch = next((name for name in archs if tag.endswith(f"_{name}")), None)
    if arch is None:
        return _refused(tag, "ML025", f"not a tag of {', '.join(archs)}")
    ours = [one for one in rows if one.target.architecture.name == arch]
    if tag == f"linux_{arch}":
        reason = "it names no libc and no floor, so old-world and new-world wheels look the same"
        return _refused(tag, "ML022", reason)
    for one in ours:
        if tag.removesuffix(f"_{arch}") in one.legacy_aliases:
            least = f"{one.target.family}_{one.min_floor[0]}_{one.min_floor[1]}"
            return _refused(tag, "ML021", f"the alias is older than {least}: {one.why_floor}")
    return _check_floor(tag, ours)


def _check_floor(tag: str, rows: list[Policy]) -> TagVerdict:
    match = _FLOOR.fullmatch(tag)
    found = [one for one in rows if match is not None and one.target.family == match["family"]]
    if match is None or not found:
        return _refused(tag, "ML025", "not of the form manylinux_X_Y_ARCH or musllinux_X_Y_ARCH")
    claim, least = (int(match["major"]), int(match["minor"])), found[0].min_floor
    if claim < least:
        reason = f"below {match['family']}_{least[0]}_{least[1]}: {found[0].why_floor}"
        return _refused(tag, "ML020", reason)
    if claim[0] != least[0]:
        return _refused(tag, "ML025", f"no libc has major version {claim[0]}")
    known = claim in {one.target.floor for one in found}
    reason = "a wheel with it is judged by its policy" if known else "no policy is written for that floor yet"
    return TagVerdict(tag=tag, accepted=True, rule="", reason=reason)


def _refused(tag: str, rule: str, reason: str) -> TagVerdict:
    return TagVerdict(tag=tag, accepted=False, rule=rule, reason=reason)
