//! The Helm chart in `packaging/chart`, rendered by Helm and installed into a real API server.

pub mod helm;
mod installed;
mod manifests;
mod rendered;
mod values_table;
