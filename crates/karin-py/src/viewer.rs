//! The viewer inside the kernel of a notebook: asked by its widget, answered on threads of its own.

use std::path::PathBuf;
use std::sync::Arc;

use karin_viewer::{Answer, Embedded, ServerOptions};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors::OrRaise as _;
use crate::of_process::OfProcess;
use crate::reach::Reach;
use crate::work;

/// A viewer that only this process can ask; it listens nowhere.
#[pyclass(frozen, module = "karin._karin")]
pub struct Viewer {
    inner: OfProcess<Arc<Embedded>>,
}

/// A question under way.
#[pyclass(frozen, module = "karin._karin")]
pub struct Asked(karin_viewer::Asked);

#[pymethods]
impl Viewer {
    /// Open paths: any mix of collections, granules and folders of granules.
    #[new]
    #[pyo3(signature = (paths, *, snapshot=None, reach=None, jobs=None, memory=None, listener=None))]
    fn new(
        py: Python<'_>,
        paths: Vec<PathBuf>,
        snapshot: Option<String>,
        reach: Option<Reach>,
        jobs: Option<usize>,
        memory: Option<u64>,
        listener: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let (mut options, resources) = (ServerOptions::default(), work::resources(jobs, memory));
        let reach = reach.unwrap_or_default();
        let open = reach.open(snapshot);
        options.provider = reach.provider();
        let inner = work::run(py, listener, |told| {
            Embedded::open(&paths, &open, &options, resources, told).or_raise()
        })?;
        Ok(Self {
            inner: OfProcess::new(Arc::new(inner)),
        })
    }

    /// Ask for a path of the API, query included, and come back at once. `answered` is called with the status, the media
    /// type and the body, from another thread.
    fn ask(&self, py: Python<'_>, target: &str, answered: Py<PyAny>) -> Option<Asked> {
        let told = move |answer: Answer| {
            // Nobody is told once the interpreter ends.
            Python::try_attach(|py| {
                let body = PyBytes::new(py, &answer.body);
                if let Err(error) = answered.call1(py, (answer.status, answer.media_type, body)) {
                    error.write_unraisable(py, None);
                }
            });
        };
        py.detach(|| self.inner.ask(target, told)).map(Asked)
    }

    /// Every file of the page that shows it, by path.
    #[staticmethod]
    fn page(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let files = PyDict::new(py);
        for (path, content) in Embedded::page() {
            files.set_item(path, PyBytes::new(py, content))?;
        }
        Ok(files)
    }
}

#[pymethods]
impl Asked {
    /// Give the question up: the work for it stops.
    fn cancel(&self) {
        self.0.cancel();
    }
}
