//! The one integration test binary: linking it once is most of what it costs.

mod behaviour;
mod boot;
mod packaging;
mod real;
mod repository;
mod support;
