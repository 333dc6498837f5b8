//! `kubectl eni configs` against the EC2 and EKS of moto and a real API server.

mod applied;
mod iam;
mod printed;
mod site;
