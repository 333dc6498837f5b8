//! The metrics of the API server.

/// The response to `GET /metrics`, in the text format of Prometheus.
#[derive(Clone, Debug)]
pub struct Metrics(String);

impl Metrics {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the sum of the metric `name` over all series with these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let values = self.0.lines().filter_map(|line| {
            let series = line.strip_prefix(name)?;
            if !series.starts_with(['{', ' ']) || !labels.iter().all(|it| series.contains(it)) {
                return None;
            }
            series.rsplit(' ').next()?.parse::<f64>().ok()
        });
        values.sum()
    }

    /// Returns the resident memory of the API server in bytes.
    pub fn resident_bytes(&self) -> f64 {
        self.sum("process_resident_memory_bytes", &[])
    }

    /// Returns the memory of the API server's heap and stacks in bytes, without what is free for reuse.
    pub fn used_bytes(&self) -> f64 {
        self.sum("go_memstats_heap_inuse_bytes", &[])
            + self.sum("go_memstats_stack_inuse_bytes", &[])
    }

    /// Returns the CPU time of the API server in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        self.sum("process_cpu_seconds_total", &[])
    }

    /// Returns the number of open watches of ENIConfigs.
    pub fn open_watches(&self) -> f64 {
        self.sum("apiserver_longrunning_requests", &[("resource", "eniconfigs"), ("verb", "WATCH")])
    }

    /// Returns the number of completed requests for ENIConfigs with this verb. A watch counts when it ends.
    pub fn requests(&self, verb: &str) -> f64 {
        self.sum("apiserver_request_total", &[("resource", "eniconfigs"), ("verb", verb)])
    }
}
