//! `kubectl eni configs` against the EC2 and EKS of moto and a real API server.

#[path = "configs/applied.rs"]
mod applied;
#[path = "configs/iam.rs"]
mod iam;
#[path = "configs/printed.rs"]
mod printed;
#[path = "configs/rights.rs"]
mod rights;
#[path = "configs/site.rs"]
mod site;
