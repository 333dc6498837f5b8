//! The Helm chart in `packaging/chart`, rendered by Helm and installed into a real API server.

#[path = "chart/helm.rs"]
mod helm;
#[path = "chart/installed.rs"]
mod installed;
#[path = "chart/manifests.rs"]
mod manifests;
#[path = "chart/rendered.rs"]
mod rendered;
#[path = "chart/values_table.rs"]
mod values_table;
