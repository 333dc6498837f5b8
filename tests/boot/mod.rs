//! Real boots: a root with systemd in it, laid out as an image of the family, with the static binary
//! and its unit installed as `ami/install.sh` installs them, booted by systemd-nspawn against a real
//! kube-apiserver. `make test-boot` runs them, as root.
//!
//! Each boot prints what the units did, in the order in which they were done, and leaves its console,
//! journal and critical chain under `target/boot-records/CASE/`.

mod al2;
pub mod al2023;
mod image;
mod never;
mod nodeadm;
mod read_only;
mod second_boot;
mod status;
mod user_data;
mod user_data_download;
