//! Tests of the release artifacts: the static binary, the packages, the container image and the image
//! build scripts.

mod ami;
mod arm64;
mod image;
mod image_operator;
mod install;
mod krew;
mod packages;
mod privilege;
mod settings_schema;
mod static_binary;
