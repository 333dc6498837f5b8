//! What eni-bootstrap does if a service or a part of the node fails.

mod crash;
mod matrix;
mod power_loss;
