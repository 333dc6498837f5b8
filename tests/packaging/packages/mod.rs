//! Tests of the deb and the rpm: their contents, and their installation, upgrade and removal on a node
//! with a real systemd. `make test-packages` runs them as root.

mod conflicts;
mod contents;
mod image;
mod lifecycle;
mod lint;
mod manual;
mod offline;
mod sbom;
mod signature;
