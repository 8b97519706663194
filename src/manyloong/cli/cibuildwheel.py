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

    from manyloong.ci.stock import Stock, check_image, engine_of, needed_targets, stock_arguments
    from manyloong.wheels.image_parts import image_targets

    targets = image_targets()
    arguments = stock_arguments(context.args, os.environ, targets[0])
    stock = Stock(targets=targets, environ=os.environ)
    if not {"--help", "-h", "--print-build-identifiers"} & set(arguments):
        engine = engine_of(os.environ, targets)
        for target in needed_targets(stock.identifiers(arguments), targets):
            own = f"CIBW_{target.family.upper()}_{target.architecture.name.upper()}_IMAGE"
            if own not in os.environ:
                check_image(engine, target.tag, target)
    raise typer.Exit(stock.run(arguments))
