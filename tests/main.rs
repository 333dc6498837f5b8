//! The one integration test binary: linking it once is most of what it costs.

mod calculator;
mod cli;
mod faults;
mod floors;
mod golden;
mod imds;
mod kubernetes;
mod limits;
mod max_pods;
mod node;
mod packaging;
mod readme;
mod real_parts;
mod real_run;
mod static_binary;
