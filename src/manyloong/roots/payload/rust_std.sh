# Rust's standard library for a target, by the compiler of the same release, out of that release's source.
# Variables: TRIPLE; RUSTC_BOOTSTRAP and RUSTFLAGS as the compiler's own build has them.
triple_folder=usr/lib/rustlib/$TRIPLE/lib
case "$1" in
unpack)
    cp -a /usr/lib/rustlib/src/rust/library src
    # Only what programs are linked with statically: a shared library would tie its bytes to a linker.
    sed -i 's/^crate-type = \["dylib", "rlib"\]$/crate-type = ["rlib"]/' src/std/Cargo.toml
    ;;
compile)
    cd src
    cargo build --offline --locked --quiet --profile dist --target "$TRIPLE" --manifest-path sysroot/Cargo.toml \
        --features backtrace,panic-unwind
    ;;
install)
    mkdir -p "/tmp/out/$triple_folder" /tmp/out/usr/share/doc/rust-src
    cp target/"$TRIPLE"/dist/deps/*.rlib target/"$TRIPLE"/dist/deps/*.rmeta "/tmp/out/$triple_folder"
    cp /usr/share/doc/rust-src/copyright /tmp/out/usr/share/doc/rust-src/copyright
    ;;
esac
