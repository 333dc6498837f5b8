//! `kubectl eni expressions`: its output, and a proof of each expression with the evaluators of Karpenter and nodeadm.

mod cluster;
mod configurations;
mod evaluators;
mod examples;
mod output;
mod program;
mod proof;
