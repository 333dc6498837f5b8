//! All integration tests in one binary, because linking dominates their build time.

mod behaviour;
mod boot;
mod faults;
mod packaging;
mod real;
mod repository;
mod support;
