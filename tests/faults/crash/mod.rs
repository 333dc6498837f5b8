//! Crash safety: runs that are killed, or that get an error, at each system call that changes the node.

mod booted;
mod case;
mod concurrent;
mod interrupted;
mod outcome;
