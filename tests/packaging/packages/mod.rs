//! The deb and the rpm: what is in them, and what their installation, upgrade and removal do to a node,
//! each in a root of its own under a real systemd. `make test-packages` runs them, as root.

mod contents;
mod foreign;
mod image;
mod life;
mod lint;
mod manual;
mod offline;
mod package;
