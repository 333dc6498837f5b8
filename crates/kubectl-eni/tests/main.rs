//! All integration tests in one binary, because linking dominates their build time.

mod capacity;
mod chart;
mod check;
mod cluster;
mod command_line;
mod configs;
mod demo;
mod expressions;
mod limits;
mod max_pods;
mod max_pods_tables;
mod nodes;
mod report;
mod rights;
mod support;
