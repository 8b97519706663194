"""``manyloong cibuildwheel``: the installed cibuildwheel, with one more architecture."""

from typing import Any

import typer

SETTINGS: dict[str, Any] = {
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
}


def cibuildwheel(context: typer.Context) -> None:
    """Run the installed cibuildwheel, unmodified, with loongarch64 added while it runs.

    The arguments and the exit code are cibuildwheel's. Its containers run our images (`manyloong root
    export`); without --archs or --only it builds loongarch64.
    """
    import os

    from manyloong.ci.stock import check_image, engine_of, run_stock, stock_arguments
    from manyloong.targets import all_targets

    targets = [target for target in all_targets() if target.image_root and target.buildable]
    first = targets[0]
    arguments = stock_arguments(context.args, os.environ, first)
    own = f"CIBW_{first.family.upper()}_{first.architecture.name.upper()}_IMAGE"
    if not {"--help", "-h", "--print-build-identifiers"} & set(arguments):
        engine = engine_of(os.environ, targets)
        if own not in os.environ:
            check_image(engine, first.tag, first)
    python = "/usr/bin/python3"
    raise typer.Exit(run_stock(arguments, targets=targets, python=python, environ=os.environ))
