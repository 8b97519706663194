//! Compiles C for the target, and writes what only the build machine's own program can know.

use std::{env, fs, path::Path};

fn main() {
    cc::Build::new().file("c/mantissa.c").compile("mantissa");
    let built_for = env::var("TARGET").unwrap();
    let text = format!("pub const BUILT_FOR: &str = {built_for:?};\n");
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("facts.rs"), text).unwrap();
    println!("cargo::rerun-if-changed=c/mantissa.c");
}
