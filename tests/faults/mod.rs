//! Faults of the node while eni-bootstrap runs.

mod power_loss;
