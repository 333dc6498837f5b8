//! Boot tests: systemd-nspawn boots a root with the units of an image family, against a real
//! kube-apiserver. `ami/install.sh` installs the static binary and its unit. `make test-boot` runs these
//! tests as root.
//!
//! Each boot prints the start times of the units, and writes the console output, journal and critical
//! chain to `target/boot-records/CASE/`.

mod al2;
mod al2023;
mod effective_unit;
mod image;
mod nodeadm;
mod power_event;
mod privilege;
mod read_only;
mod real_kubelet;
mod retry;
mod second_boot;
mod status;
mod timeout;
mod user_data;
mod user_data_download;
