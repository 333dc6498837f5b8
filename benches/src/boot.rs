//! One boot of a node with eni-bootstrap, as a subject to measure.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use crate::cloud::{API_SERVER, Cloud};
use crate::measure::Subject;
use crate::node::Root;
use crate::parts::Parts;
use crate::program::{Program, Run};
use crate::trace::Trace;

/// A boot of a node.
#[derive(Debug)]
pub struct Boot<'a> {
    /// The name in the table.
    pub name: &'static str,
    /// The program.
    pub parts: &'a Parts,
    /// The services of the node.
    pub cloud: Cloud,
    /// The root before each boot.
    pub before: Root,
    /// The root of the current boot.
    pub root: PathBuf,
    /// Whether the program verifies the ENIConfig with EC2, which is its default.
    pub verify: bool,
    /// The traces of all runs.
    pub traces: Vec<Trace>,
}

impl Boot<'_> {
    /// Returns the same node at a later boot: with the files of an earlier boot, and an empty `/run` except
    /// for the files of nodeadm, which writes them in every boot.
    ///
    /// # Errors
    ///
    /// Returns an error if the earlier boot fails.
    pub fn later(mut self, name: &'static str) -> Result<Self, Box<dyn Error>> {
        self.prepare()?.run()?;
        let run = self.root.join("run/eni-bootstrap");
        if run.exists() {
            fs::remove_dir_all(run)?;
        }
        self.before = Root(self.root.clone()).copy_to(self.root.with_extension("before"))?;
        self.name = name;
        Ok(self)
    }

    /// Returns the trace of the run whose wall time is the median.
    #[must_use]
    pub fn typical_trace(&self) -> Option<&Trace> {
        let mut traces: Vec<&Trace> = self.traces.iter().collect();
        traces.sort_by(|a, b| a.wall_ms.total_cmp(&b.wall_ms));
        traces.get(traces.len() / 2).copied()
    }
}

impl Subject for Boot<'_> {
    fn prepare(&mut self) -> Result<Program, Box<dyn Error>> {
        let root = self.before.copy_to(self.root.clone())?;
        self.cloud.forget();
        let command = [
            self.parts.binary.to_string_lossy().into_owned(),
            "run".to_owned(),
            format!("--root={}", root.0.display()),
            format!("--imds-endpoint={}", self.cloud.imds_endpoint()),
            format!("--ec2-endpoint={}", self.cloud.ec2_endpoint()),
        ];
        let program = Program::new(self.name, &self.parts.logs()?, command);
        Ok(program.with("ENI_BOOTSTRAP_ENI_CONFIG_VERIFY", self.verify.to_string()))
    }

    fn finish(&mut self, run: &Run) -> Result<Vec<(&'static str, f64)>, Box<dyn Error>> {
        let trace = self.cloud.trace(run);
        #[expect(clippy::cast_precision_loss, reason = "a few requests")]
        let requests = |server| trace.requests(server) as f64;
        let values = vec![
            ("critical_path_ms", trace.critical_path_ms),
            ("over_critical_path_ms", trace.wall_ms - trace.critical_path_ms),
            ("servers_ms", trace.servers_ms),
            ("own_ms", trace.wall_ms - trace.critical_path_ms - trace.servers_ms),
            ("imds_requests", requests("IMDS")),
            ("api_requests", requests(API_SERVER)),
            ("aws_requests", requests("EC2") + requests("AWS")),
        ];
        self.traces.push(trace);
        Ok(values)
    }
}
