//! One function that sums squares on several threads, and an exception that crosses the border.

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

#[pymodule]
fn demo_rust_abi3(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(sum_of_squares, module)?)
}
