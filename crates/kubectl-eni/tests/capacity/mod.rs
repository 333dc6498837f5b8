//! `kubectl eni capacity` against a real API server and moto's EC2.

mod altered;
mod brute_force;
mod cases;
mod golden;
mod karpenter;
mod proxy;
mod world;
