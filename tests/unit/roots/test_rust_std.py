"""Rust's roots for each target."""

import pytest

from manyloong.errors import NotFoundError
from manyloong.roots.lock import committed_lock
from manyloong.roots.rust_std import check_rust, rust_ids, rust_triple
from manyloong.targets import host, target

HOST, GLIBC, MUSL = host("x86_64"), target("manylinux_2_36"), target("musllinux_1_2")


def test_names_of_targets() -> None:
    assert rust_triple(GLIBC) == "loongarch64-unknown-linux-gnu"
    assert rust_triple(MUSL) == "loongarch64-unknown-linux-musl"


def test_a_job_is_decided_by_compiler_and_library() -> None:
    assert set(rust_ids(HOST, GLIBC)) == {"rust-amd64", "rust-std-loong64"}


def test_compiler_and_library_are_of_one_release() -> None:
    locks = {"rust-amd64": "rustc", "rust-arm64": "rustc", "rust-std-loong64": "libstd-rust-dev"}
    found = {
        package.version
        for root, name in locks.items()
        for package in committed_lock(root).packages
        if package.name == name
    }
    assert len(found) == 1


def test_a_host_without_a_compiler_and_a_target_without_a_library_are_told() -> None:
    check_rust(HOST, GLIBC)
    with pytest.raises(
        NotFoundError, match="no Rust compiler for loongarch64-unknown-linux-gnu on loongarch64"
    ):
        check_rust(host("loongarch64"), GLIBC)
    with pytest.raises(NotFoundError, match="no Rust standard library for loongarch64-unknown-linux-musl"):
        check_rust(HOST, MUSL)
