"""The plainest forms of ``manyloong audit``, read without the command-line library, which starts in 80 ms.

Whatever is not as plain as here (help, mistakes, other verbs) is left to the library; a test holds both to
the same answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from manyloong.cli.audit_run import AuditRequest

_LEVELS = frozenset({"error", "warning", "note", "never"})
_FORMS = {"--json": "json", "--sarif": "sarif"}


def quick_audit(arguments: Sequence[str]) -> AuditRequest | None:
    """What is asked for; None where the command line is of another form."""
    if len(arguments) < 2 or arguments[0] != "audit":
        return None
    paths: list[str] = []
    target, fail_on, form = None, "error", "text"
    left = iter(arguments[1:])
    for one in left:
        name, equals, value = one.partition("=")
        if not one.startswith("-"):
            paths.append(one)
        elif one in _FORMS and form == "text":
            form = _FORMS[one]
        elif name in {"--fail-on", "--target"}:
            value = value if equals else next(left, "")
            if name == "--target":
                target = value
            else:
                fail_on = value
        else:
            return None
    if (
        not paths
        or not all(paths)
        or fail_on not in _LEVELS
        or target == ""
        or (target or "").startswith("-")
    ):
        return None
    from manyloong.cli.audit_run import AuditRequest

    return AuditRequest(paths=tuple(paths), target=target, fail_on=fail_on, form=form)
