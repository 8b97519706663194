//! Squares summed on several threads, an exception that crosses the border, and a panic that is unwound.

use std::thread;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

#[pyfunction]
fn sum_of_squares(count: u64, threads: u64) -> PyResult<u64> {
    if threads == 0 {
        return Err(PyValueError::new_err("no threads"));
    }
    let workers: Vec<_> = (0..threads)
        .map(|first| thread::spawn(move || (first..count).step_by(threads as usize).map(|n| n * n).sum::<u64>()))
        .collect();
    Ok(workers.into_iter().map(|worker| worker.join().unwrap()).sum())
}

#[pyfunction]
fn quotient(one: u64, other: u64) -> u64 {
    one / other
}

#[pymodule]
fn demo_rust_abi3(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(sum_of_squares, module)?)?;
    module.add_function(wrap_pyfunction!(quotient, module)?)
}
