//! What the C compiler for the target said, and for whom the build script says that it built.

use pyo3::prelude::*;

include!(concat!(env!("OUT_DIR"), "/facts.rs"));

unsafe extern "C" {
    fn mantissa_of_long_double() -> i32;
}

#[pyfunction]
fn mantissa() -> i32 {
    unsafe { mantissa_of_long_double() }
}

#[pyfunction]
fn built_for() -> &'static str {
    BUILT_FOR
}

#[pymodule]
fn demo_rust_setuptools(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(mantissa, module)?)?;
    module.add_function(wrap_pyfunction!(built_for, module)?)
}
