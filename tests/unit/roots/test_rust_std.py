"""Rust's roots for each target, and the standard library that is compiled from its source."""

from dataclasses import replace
from pathlib import Path

import pytest

from manyloong.errors import NotFoundError
from manyloong.roots import Root
from manyloong.roots.lock import committed_lock
from manyloong.roots.rust_std import check_rust, rust_ids, rust_layers, rust_triple, std_recipe, std_source
from manyloong.targets import host, target

HOST, GLIBC, MUSL = host("x86_64"), target("manylinux_2_36"), target("musllinux_1_2")
ROOT = Root(name="native-amd64+rust-amd64+rust-src-loong64", id="1" * 64, path=Path("/nowhere"))


def test_a_packaged_library_is_a_layer_and_another_has_a_source() -> None:
    assert rust_triple(GLIBC) == "loongarch64-unknown-linux-gnu"
    assert rust_triple(MUSL) == "loongarch64-unknown-linux-musl"
    assert (rust_layers(HOST, GLIBC), std_source(GLIBC)) == (("rust-amd64", "rust-std-loong64"), "")
    assert (rust_layers(HOST, MUSL), std_source(MUSL)) == (("rust-amd64",), "rust-src-loong64")


def test_a_job_is_decided_by_compiler_source_and_program() -> None:
    assert set(rust_ids(HOST, GLIBC)) == {"rust-amd64", "rust-std-loong64"}
    assert set(rust_ids(HOST, MUSL)) == {"rust-amd64", "rust-src-loong64", "rust-std"}


def test_compiler_library_and_source_are_of_one_release() -> None:
    locks = {
        "rust-amd64": "rustc",
        "rust-arm64": "rustc",
        "rust-std-loong64": "libstd-rust-dev",
        "rust-src-loong64": "rust-src",
    }
    found = {
        package.version
        for root, name in locks.items()
        for package in committed_lock(root).packages
        if package.name == name
    }
    assert len(found) == 1


def test_the_library_is_keyed_by_what_it_is_compiled_in_and_for() -> None:
    recipe = std_recipe(HOST, MUSL, root=ROOT)
    variables = dict(recipe.variables)
    assert variables["TRIPLE"] == "loongarch64-unknown-linux-musl"
    assert variables["CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER"] == "/opt/manyloong/native/bin/cc"
    assert recipe.key() != std_recipe(HOST, MUSL, root=replace(ROOT, id="2" * 64)).key()
    assert recipe.key() != std_recipe(host("aarch64"), MUSL, root=ROOT).key()
    assert recipe.key() == std_recipe(HOST, MUSL, root=replace(ROOT, path=Path("/elsewhere"))).key()


def test_a_host_without_a_compiler_is_told() -> None:
    check_rust(HOST, MUSL)
    with pytest.raises(
        NotFoundError, match="no Rust compiler for loongarch64-unknown-linux-gnu on loongarch64"
    ):
        check_rust(host("loongarch64"), GLIBC)
