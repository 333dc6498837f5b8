//! What is shipped: the static binary, the packages, the container image and the images' scripts.

pub mod ami;
mod arm64;
mod image;
mod install;
mod packages;
mod static_binary;
