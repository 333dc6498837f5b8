//! Faults of the node while eni-bootstrap runs.

mod crash;
mod power_loss;
