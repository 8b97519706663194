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

    from manyloong.ci.stock import (
        Stock,
        check_engine,
        check_engine_name,
        check_image,
        needed_images,
        stock_arguments,
    )
    from manyloong.wheels.image_parts import image_targets

    targets = image_targets()
    arguments = stock_arguments(context.args, os.environ, targets[0])
    stock = Stock(targets=targets, environ=os.environ)
    if not {"--help", "-h", "--print-build-identifiers"} & set(arguments):
        check_engine_name(os.environ)
        builds = stock.plan(arguments)
        for engine in dict.fromkeys(build.engine for build in builds):
            check_engine(engine, os.environ)
        for engine, target in needed_images(builds, targets):
            check_image(engine, target)
    raise typer.Exit(stock.run(arguments))
