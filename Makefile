# make with no target lists the targets. All of them work from any folder with make -C.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test test-boot test-packages lint static static-arm64 packages image clean-real toolchain compiler

export CARGO_TARGET_DIR ?= target
REAL := $(CARGO_TARGET_DIR)/real-parts
BINARY := $(CARGO_TARGET_DIR)/release/eni-bootstrap
BINARY_ARM64 := $(CARGO_TARGET_DIR)/aarch64-unknown-linux-gnu/release/eni-bootstrap
PACKAGES := $(CARGO_TARGET_DIR)/packages
IMAGE := $(CARGO_TARGET_DIR)/image
# A boot fetches it, and user data has to say nothing of libraries: it stays small and static.
MAX_MIB := 12

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# Says what the tests could not run, and ends as they did.
WHAT_RAN = if [[ -s $(REAL)/not-run.log ]]; then \
		echo "not run on this machine:"; sort -u $(REAL)/not-run.log; \
	elif ((status == 0)); then \
		echo "everything ran"; \
	fi; \
	exit $$status

demo: toolchain compiler ## run the agent here against a stand-in instance and cluster
	@echo "Building; the first build takes minutes, most of it the AWS SDK." >&2
	@cargo build --locked --package eni-bootstrap --package eni-bootstrap-sandbox
	@tests/demo.sh

test: toolchain compiler static ## run every test that this machine can, and say which it could not
	@mkdir -p $(REAL) && rm -f $(REAL)/not-run.log
	@tests/real/install.sh all || [[ $${REQUIRE_REAL:-} != 1 ]]
	@tests/real/need.sh systemd-analyze=systemd shellcheck=shellcheck packer=packer || [[ $${REQUIRE_REAL:-} != 1 ]]
	@status=0; cargo test --workspace --locked -- --skip boot:: --skip packages:: --skip arm64:: --skip image:: || status=$$?; $(WHAT_RAN)

# One at a time, and as they come: each boot prints the order in which its units were done.
test-boot: toolchain compiler static ## boot the agent under a real systemd, as root
	@mkdir -p $(REAL) && rm -f $(REAL)/not-run.log
	@for part in moto imds kubernetes nodeadm boot; do \
		tests/real/install.sh $$part || [[ $${REQUIRE_REAL:-} != 1 ]]; \
	done
	@tests/real/need.sh systemd-nspawn=systemd-container || [[ $${REQUIRE_REAL:-} != 1 ]]
	@status=0; cargo test --locked --test it boot:: -- --nocapture --test-threads=1 || status=$$?; $(WHAT_RAN)

# One at a time, as the boots are.
test-packages: toolchain compiler static static-arm64 image ## the packages on nodes that boot, the image, and arm64, as root
	@mkdir -p $(REAL) && rm -f $(REAL)/not-run.log
	@for part in moto imds kubernetes nodeadm boot nfpm; do \
		tests/real/install.sh $$part || [[ $${REQUIRE_REAL:-} != 1 ]]; \
	done
	@tests/real/need.sh systemd-nspawn=systemd-container dpkg-deb=dpkg rpm=rpm lintian=lintian git=git \
		groff=groff-base mandoc=mandoc zsh=zsh fish=fish \
		qemu-aarch64-static=qemu-user-static runc=runc umoci=umoci skopeo=skopeo || [[ $${REQUIRE_REAL:-} != 1 ]]
	@status=0; cargo test --locked --test it -- packages:: arm64:: image:: --skip boot:: --nocapture --test-threads=1 || status=$$?; $(WHAT_RAN)

lint: toolchain compiler ## formatting, clippy and shellcheck
	@cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || { \
		command -v rustup >/dev/null && rustup component add rustfmt clippy; \
	} || { echo "missing: rustfmt and clippy of this Rust" >&2; exit 1; }
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@tests/real/need.sh git=git shellcheck=shellcheck
	@git ls-files -z --cached --others --exclude-standard | xargs -0 awk \
		'FNR == 1 && /^#!.*[\/ ](ba|da)?sh( |$$)/ { printf "%s%c", FILENAME, 0 } { nextfile }' | xargs -0 -t -r shellcheck

# The flag goes to the last crate only: as RUSTFLAGS it would build every dependency a second time.
RELEASE = rustc --release --locked --package eni-bootstrap --bin eni-bootstrap $(1) -- -C target-feature=+crt-static
CHECK = if readelf --program-headers --dynamic --wide $(1) | grep -E 'INTERP|NEEDED'; then \
		echo "$(1) is not static" >&2; exit 1; \
	fi; \
	size=$$(stat -c %s $(1)); \
	awk -v size=$$size -v max=$(MAX_MIB) -v name=$(1) 'BEGIN { \
		printf "%s: static, %.1f MiB of at most %d\n", name, size / 1048576, max; exit size > max * 1048576 }'

static: toolchain compiler ## build the static release binary, and check that it is static and small
	cargo $(call RELEASE)
	@$(call CHECK,$(BINARY))

static-arm64: toolchain compiler ## the same for arm64, on whatever this machine is
	packaging/cross/arm64.sh cargo $(call RELEASE,--target aarch64-unknown-linux-gnu)
	@$(call CHECK,$(BINARY_ARM64))

image: static static-arm64 ## write the container image of both, as an OCI layout and a tar of it
	@tests/real/need.sh git=git
	@tests/real/install.sh regctl
	@REGCTL=$(REAL)/bin/regctl packaging/image/build.sh $(BINARY) $(BINARY_ARM64) $(IMAGE)

# Both binaries are needed: one run makes the packages of both architectures.
packages: static static-arm64 ## build the deb and the rpm of both architectures
	@tests/real/install.sh nfpm
	@tests/real/need.sh git=git
	@rm -rf $(PACKAGES) && mkdir -p $(PACKAGES)
	@epoch=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)}; \
	cargo run --quiet --locked --example manual -- $(PACKAGES)/manual "$$(date --utc --date "@$$epoch" +%F)"; \
	export NFPM=$(REAL)/bin/nfpm SOURCE_DATE_EPOCH=$$epoch; \
	packaging/build.sh amd64 $(BINARY) $(PACKAGES)/manual $(PACKAGES); \
	packaging/build.sh arm64 $(BINARY_ARM64) $(PACKAGES)/manual $(PACKAGES)
	@sha256sum $(PACKAGES)/*.{deb,rpm}

clean-real: ## remove what tests/real/install.sh made
	rm -rf --one-file-system $(REAL)

toolchain:
	@cargo --version >/dev/null 2>&1 || { \
		command -v rustup >/dev/null && rustup toolchain install stable --profile default; \
	} || { echo "missing: Rust $$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or later (cargo), for instance with rustup" >&2; exit 1; }

compiler:
	@tests/real/need.sh cc=gcc,libc6-dev readelf=binutils
