//! `kubectl eni capacity`: how many more nodes fit into the pod subnets.
#![allow(dead_code)]
mod address_map;
mod demand;
mod fleet;
mod ipamd;
mod pool;
mod zone;
