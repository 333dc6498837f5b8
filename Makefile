# `make` without a target lists the targets. With `make -C`, you can run every target from any directory.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo demo-operator test test-ipamd test-boot test-packages test-faults test-fuzz deny aws-sdk reproducible documents soak soak-short bench bench-pure lint static static-arm64 plugin plugin-arm64 sizes packages image image-operator test-image-operator documents-operator book check-external-links parts clean-real toolchain chart release recording workflows test-report compiler

export CARGO_TARGET_DIR ?= target
REAL := $(CARGO_TARGET_DIR)/real-parts
BINARY := $(CARGO_TARGET_DIR)/release/eni-bootstrap
PLUGIN := $(CARGO_TARGET_DIR)/release/kubectl-eni
BINARY_ARM64 := $(CARGO_TARGET_DIR)/aarch64-unknown-linux-gnu/release/eni-bootstrap
PACKAGES := $(CARGO_TARGET_DIR)/packages
IMAGE := $(CARGO_TARGET_DIR)/image
DOCUMENTS := $(CARGO_TARGET_DIR)/documents
BOOK := $(CARGO_TARGET_DIR)/book
PLUGIN_ARM64 := $(CARGO_TARGET_DIR)/aarch64-unknown-linux-gnu/release/kubectl-eni
IMAGE_OPERATOR := $(CARGO_TARGET_DIR)/image-operator
DIST := $(CARGO_TARGET_DIR)/dist
DOCUMENTS_OPERATOR := $(CARGO_TARGET_DIR)/documents-operator
DOCUMENTS_PLUGIN := $(CARGO_TARGET_DIR)/documents-plugin
# Maximum sizes of the binaries in MiB. Nodes can download the binary at boot, so it must be small. It must
# be static, so that it runs on every image without additional libraries.
MAX_MIB := 9.12
MAX_MIB_ARM64 := 7.42

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-21s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# Lists the tests that did not run, and exits with the status of the tests.
WHAT_RAN = if [[ -s $(REAL)/not-run.log ]]; then \
		echo "these tests did not run on this machine:"; sort -u $(REAL)/not-run.log; \
	elif ((status == 0)); then \
		echo "all tests ran"; \
	fi; \
	exit $$status

demo: toolchain compiler ## Run eni-bootstrap against a simulated EC2 instance and cluster
	@echo "Building eni-bootstrap. The first build takes several minutes." >&2
	@cargo build --locked --package eni-bootstrap --package eni-bootstrap-sandbox
	@tests/demo.sh

demo-operator: toolchain compiler ## Run kubectl-eni against a simulated cluster with 40 nodes
	@echo "Building kubectl-eni. The first build takes several minutes." >&2
	@cargo build --locked --package kubectl-eni --package eni-bootstrap-sandbox
	@tests/demo-operator.sh

test: toolchain compiler static ## Run all tests that can run on this machine, and list the others
	@mkdir -p $(REAL) && rm -f $(REAL)/not-run.log
	@tests/real/install.sh all || [[ $${REQUIRE_REAL:-} != 1 ]]
	@tests/real/need.sh systemd-analyze=systemd shellcheck=shellcheck jq=jq packer=packer strace=strace \
		setpriv=util-linux || [[ $${REQUIRE_REAL:-} != 1 ]]
	@status=0; cargo test --workspace --locked -- --skip boot:: --skip faults:: --skip packages:: --skip arm64:: --skip packaging::image:: || status=$$?; $(WHAT_RAN)

# The cases, and what each compares, are in tests/ipamd/cases. CASES selects some of them.
test-ipamd: toolchain compiler static ## Compare the values of eni-bootstrap with those of the VPC CNI's ipamd
	@export PATH="$$PATH:/usr/sbin:/sbin"; missing=; for part in moto kubernetes ipamd; do \
		tests/real/install.sh $$part || missing="$$missing $$part"; \
	done; \
	tests/real/need.sh ip=iproute2 iptables-restore=iptables unshare=util-linux setpriv=util-linux || missing="$$missing packages"; \
	if [[ -n $$missing ]]; then \
		echo "test-ipamd did not run on this machine; missing:$$missing"; [[ $${REQUIRE_REAL:-} != 1 ]]; \
	else \
		python3 -B tests/ipamd/compare.py --program $(BINARY) --parts $(REAL) --output $(CARGO_TARGET_DIR)/ipamd $(CASES); \
	fi

# Run one test at a time and show its output: each boot prints the start order of its units.
test-boot: toolchain compiler static ## Boot nodes with a real systemd (as root)
	@mkdir -p $(REAL) && rm -f $(REAL)/not-run.log
	@for part in moto imds kubernetes kubelet nodeadm boot; do \
		tests/real/install.sh $$part || [[ $${REQUIRE_REAL:-} != 1 ]]; \
	done
	@tests/real/need.sh systemd-nspawn=systemd-container strace=strace || [[ $${REQUIRE_REAL:-} != 1 ]]
	@status=0; cargo test --locked --test it boot:: -- --nocapture --test-threads=1 || status=$$?; $(WHAT_RAN)

# Run one test at a time, as in test-boot.
test-packages: toolchain compiler static static-arm64 image ## Test the packages, the container image and the arm64 binary (as root)
	@mkdir -p $(REAL) && rm -f $(REAL)/not-run.log
	@for part in moto imds kubernetes nodeadm boot nfpm cyclonedx; do \
		tests/real/install.sh $$part || [[ $${REQUIRE_REAL:-} != 1 ]]; \
	done
	@tests/real/need.sh systemd-nspawn=systemd-container dpkg-deb=dpkg rpm=rpm lintian=lintian git=git jq=jq \
		gpg=gnupg debsig-verify=debsig-verify strace=strace setpriv=util-linux \
		groff=groff-base mandoc=mandoc zsh=zsh fish=fish \
		qemu-aarch64-static=qemu-user-static runc=runc umoci=umoci skopeo=skopeo || [[ $${REQUIRE_REAL:-} != 1 ]]
	@status=0; cargo test --locked --test it -- packages:: arm64:: image:: --skip boot:: --nocapture --test-threads=1 || status=$$?; $(WHAT_RAN)

# Not part of .ci/run, because it builds the plugin for both architectures. Nothing may be missing.
test-image-operator: export REQUIRE_REAL := 1
test-image-operator: image-operator ## Test the container image of the kubectl plugin (as root)
	@tests/real/install.sh kubernetes
	@tests/real/need.sh qemu-aarch64-static=qemu-user-static runc=runc umoci=umoci skopeo=skopeo
	@cargo test --locked --test it -- image_operator:: --ignored --nocapture --test-threads=1

# SCREENSHOTS is a directory for a screenshot of each page. The build is a part of that of `make test`, so it takes no
# time after it.
test-report: toolchain compiler ## Check the HTML page of kubectl eni report in Chromium with axe
	@missing=; tests/real/need.sh chromium=chromium node=nodejs npm=npm || missing=1; \
	if [[ -n $$missing ]]; then \
		echo "test-report did not run on this machine"; [[ $${REQUIRE_REAL:-} != 1 ]]; \
	else \
		cargo test --quiet --workspace --locked --no-run --test plugin; \
		SCREENSHOTS=$(abspath $(SCREENSHOTS)) tests/report/run.sh $(CARGO_TARGET_DIR)/debug/kubectl-eni $(CARGO_TARGET_DIR)/report; \
	fi

# The cases of matrix:: are in tests/faults/cases. CASES selects some of them by a part of their names. crash::
# also boots a node, and power_loss:: mounts disk images, both as root. FULL=1 injects every error at every
# system call, and HOST=al2 selects the hosts of crash::.
test-faults: toolchain compiler static ## Run with each fault of a service or the node, kill the program at each write, replay power losses
	@mkdir -p $(REAL) && rm -f $(REAL)/not-run.log
	@for part in moto kubernetes toxiproxy boot; do tests/real/install.sh $$part || [[ $${REQUIRE_REAL:-} != 1 ]]; done
	@export PATH="$$PATH:/usr/sbin:/sbin"; tests/real/need.sh ip=iproute2 iptables=iptables unshare=util-linux strace=strace \
		systemd-nspawn=systemd-container qemu-storage-daemon=qemu-system-common \
		mkfs.xfs=xfsprogs mkfs.ext4=e2fsprogs losetup=mount \
		setpriv=util-linux chattr=e2fsprogs perl=perl-base curl=curl || [[ $${REQUIRE_REAL:-} != 1 ]]
	@status=0; CASES="$(CASES)" cargo test --locked --test it -- faults:: --nocapture || status=$$?; $(WHAT_RAN)

# Build only the crates under test with instrumentation, so that the AWS SDK is that of `make test`.
SECONDS_PER_TARGET ?= 20
test-fuzz: toolchain compiler ## Fuzz each parser for SECONDS_PER_TARGET (default: 20) seconds
	@tests/real/need.sh c++=g++
	@RUSTC_WORKSPACE_WRAPPER=tests/fuzz/instrument.sh cargo build --locked --package eni-bootstrap-fuzz --features engine
	@tests/fuzz/run.sh $(CARGO_TARGET_DIR)/debug/fuzz $(CARGO_TARGET_DIR)/fuzz $(SECONDS_PER_TARGET) $(TARGETS)

# AGENTS agents wait for MINUTES minutes, and the API server restarts every RESTART_EVERY seconds.
AGENTS := 500
MINUTES := 10
RESTART_EVERY := 60
SOAK = tests/real/install.sh kubernetes || [[ $${REQUIRE_REAL:-} != 1 ]]; \
	ulimit -n $$(ulimit -Hn); \
	cargo test --locked --test it soak:: -- --include-ignored --nocapture

soak: export SOAK_AGENTS := $(AGENTS)
soak: export SOAK_SECONDS = $(shell echo $$(($(MINUTES) * 60)))
soak: export SOAK_RESTART_EVERY := $(RESTART_EVERY)
soak: toolchain compiler static ## Run many agents against an API server that restarts
	@$(SOAK)

soak-short: toolchain compiler static ## Run soak with the size for CI
	@$(SOAK)

# MEASURE selects groups: sizes, max-pods, boots, peers, fleet. COMPARE is the bench.json of an earlier call, and
# TRACE is a file for the round trips of a boot. Without real parts or root, it stops.
BENCH := $(CARGO_TARGET_DIR)/bench
bench: toolchain compiler static ## Measure times, memory and sizes, and compare them with their targets and other programs (as root)
	@for part in moto awscli kubernetes nodeadm; do tests/real/install.sh $$part; done
	@tests/real/need.sh jq=jq curl=curl time=time chrt=util-linux chroot=coreutils
	@cargo build --quiet --locked --profile bench --package eni-bootstrap-benches --features pure --bin bench
	@ulimit -n $$(ulimit -Hn); $(CARGO_TARGET_DIR)/release/bench --binary $(BINARY) --binary-arm64 $(BINARY_ARM64) \
		--real-parts $(REAL) --output $(BENCH) $(addprefix --compare ,$(COMPARE)) $(addprefix --trace ,$(TRACE)) \
		$(addprefix --picture ,$(PICTURE)) $(MEASURE)

bench-pure: toolchain compiler ## Measure the functions without I/O with criterion
	cargo bench --locked --package eni-bootstrap-benches --features pure --bench pure

lint: toolchain compiler deny aws-sdk workflows ## Check formatting, dependencies, versions and workflows, and run clippy and shellcheck
	@cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || { \
		command -v rustup >/dev/null && rustup component add rustfmt clippy; \
	} || { echo "rustfmt or clippy not found; install both for this Rust version" >&2; exit 1; }
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features eni-bootstrap-benches/pure --locked -- -D warnings
	@tests/real/need.sh git=git shellcheck=shellcheck python3=python3 gpg=gnupg
	@python3 -B -m unittest discover --buffer --start-directory tests/repository
	@git ls-files -z --cached --others --exclude-standard | xargs -0 awk \
		'FNR == 1 && /^#!.*[\/ ](ba|da)?sh( |$$)/ { printf "%s%c", FILENAME, 0 } { nextfile }' | xargs -0 -t -r shellcheck

# actionlint also runs shellcheck on the commands in the workflows.
workflows: ## Check the workflows of GitHub Actions with actionlint
	@tests/real/install.sh actionlint || [[ $${REQUIRE_REAL:-} != 1 ]]
	@if [[ -x $(REAL)/bin/actionlint ]]; then $(REAL)/bin/actionlint -color=false; else echo "WORKFLOWS WERE NOT CHECKED: actionlint is not installed"; fi

# cargo downloads the published crates, if they are not in its cache.
aws-sdk: toolchain ## Compare the copies of the AWS SDK in third-party with the published crates
	@tests/real/need.sh python3=python3
	@python3 -B -m unittest discover --buffer --start-directory packaging/aws-sdk-subset
	@packaging/aws-sdk-subset/subset.py check

# ADVISORY_DB is the URL or the directory of a git repository with the RustSec advisory database. cargo-deny
# compares only crates of a registry with it, so it reads a workspace without the copies in third-party.
deny: toolchain ## Check the licenses and sources of all crates; with ADVISORY_DB also their advisories
	@tests/real/install.sh cargo-deny
	@$(REAL)/bin/cargo-deny --locked --log-level error check licenses bans sources
ifdef ADVISORY_DB
	@packaging/aws-sdk-subset/subset.py unpatched $(CARGO_TARGET_DIR)/unpatched
	@GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0='url.$(or $(realpath $(ADVISORY_DB)),$(ADVISORY_DB)).insteadOf' \
		GIT_CONFIG_VALUE_0=https://github.com/RustSec/advisory-db \
		$(REAL)/bin/cargo-deny --locked --manifest-path $(CARGO_TARGET_DIR)/unpatched/Cargo.toml --config deny.toml \
		check advisories
else
	@echo "ADVISORIES WERE NOT CHECKED: set ADVISORY_DB to a copy of https://github.com/RustSec/advisory-db"
endif

# Pass these flags only to the crate of the binary. With RUSTFLAGS, cargo would build every dependency
# again.
# pack-relative-relocs stores the relocations of a static PIE in a compact format, which makes the x86-64
# binary 0.75 MiB smaller. It needs binutils 2.38 or later and glibc 2.36 or later on the build machine.
# A linker that does not support the option for the target prints a warning and ignores it.
# small.sh adds the flags that need LLD.
# The arguments are the name of the program, and flags of cargo.
RELEASE = packaging/release.sh packaging/small.sh cargo rustc --release --locked --package $(1) --bin $(1) $(2) -- \
	-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs
STATIC = if readelf --program-headers --dynamic --wide $(1) | grep -E 'INTERP|NEEDED'; then \
		echo "$(1) is not a static binary" >&2; exit 1; \
	fi
CHECK = $(call STATIC,$(1)); \
	size=$$(stat -c %s $(1)); \
	awk -v size=$$size -v max=$(2) -v name=$(1) 'BEGIN { \
		printf "%s: static, %.2f MiB (maximum: %s MiB)\n", name, size / 1048576, max; exit size > max * 1048576 }'

static: toolchain compiler ## Build the static release binary, and check its size
	$(call RELEASE,eni-bootstrap)
	@$(call CHECK,$(BINARY),$(MAX_MIB))
	@$(BINARY) --version >/dev/null || { echo "$(BINARY) does not run on this machine" >&2; exit 1; }

static-arm64: toolchain compiler ## Build the static release binary for arm64, on any machine
	packaging/cross/arm64.sh $(call RELEASE,eni-bootstrap,--target aarch64-unknown-linux-gnu)
	@$(call CHECK,$(BINARY_ARM64),$(MAX_MIB_ARM64))

# The plugin has no maximum size. krew installs the archive with the manifest beside it.
plugin: toolchain compiler ## Build the static release binary of the kubectl plugin, its archive and its krew manifest
	$(call RELEASE,kubectl-eni)
	@$(call STATIC,$(PLUGIN))
	@rm -rf $(DOCUMENTS_PLUGIN) && mkdir -p $(DOCUMENTS_PLUGIN)
	@export SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)}; \
	cargo run --quiet --locked --example manual -- $(DOCUMENTS_PLUGIN) "$$(date --utc --date "@$$SOURCE_DATE_EPOCH" +%F)"; \
	DOCUMENTS=$(DOCUMENTS_PLUGIN)/plugin packaging/krew/build.sh $(PLUGIN) $(CARGO_TARGET_DIR)/plugin
	@$(PLUGIN) --version

plugin-arm64: toolchain compiler ## Build the static release binary of the kubectl plugin for arm64, on any machine
	packaging/cross/arm64.sh $(call RELEASE,kubectl-eni,--target aarch64-unknown-linux-gnu)
	@$(call STATIC,$(PLUGIN_ARM64))
	@stat -c '%n: static, %s bytes' $(PLUGIN_ARM64)

chart: ## Write the archive of the Helm chart, with the version in Cargo.toml
	@rm -rf $(CARGO_TARGET_DIR)/chart && packaging/chart/build.sh $(CARGO_TARGET_DIR)/chart

sizes: static static-arm64 ## Print the sizes of the sections of both static binaries
	@packaging/sizes.sh $(BINARY) $(BINARY_ARM64)

reproducible: static ## Build the static binary again in other directories, and compare both binaries
	@tests/real/need.sh git=git
	@packaging/reproducible.sh $(BINARY) $(CARGO_TARGET_DIR)/reproducible

# The man pages, completions and licenses, and the SBOM of each binary.
documents: static static-arm64
	@tests/real/install.sh cargo-cyclonedx
	@tests/real/need.sh git=git jq=jq
	@rm -rf $(DOCUMENTS) && mkdir -p $(DOCUMENTS)
	@export SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} CARGO_CYCLONEDX=$(REAL)/bin/cargo-cyclonedx; \
	cargo run --quiet --locked --example manual -- $(DOCUMENTS) "$$(date --utc --date "@$$SOURCE_DATE_EPOCH" +%F)"; \
	packaging/sbom.sh amd64 $(BINARY) $(DOCUMENTS)/eni-bootstrap-amd64.cdx.json; \
	packaging/sbom.sh arm64 $(BINARY_ARM64) $(DOCUMENTS)/eni-bootstrap-arm64.cdx.json

image: documents ## Build the container image for both architectures (OCI layout and tar)
	@tests/real/install.sh regctl
	@REGCTL=$(REAL)/bin/regctl packaging/image/build.sh $(BINARY) $(BINARY_ARM64) $(DOCUMENTS) $(IMAGE)

documents-operator: plugin plugin-arm64
	@tests/real/install.sh cargo-cyclonedx
	@tests/real/need.sh git=git jq=jq
	@rm -rf $(DOCUMENTS_OPERATOR) && mkdir -p $(DOCUMENTS_OPERATOR)
	@export SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} CARGO_CYCLONEDX=$(REAL)/bin/cargo-cyclonedx; \
	cargo run --quiet --locked --example manual -- $(DOCUMENTS_OPERATOR) "$$(date --utc --date "@$$SOURCE_DATE_EPOCH" +%F)"; \
	packaging/sbom.sh amd64 $(PLUGIN) $(DOCUMENTS_OPERATOR)/plugin/kubectl-eni-amd64.cdx.json kubectl-eni; \
	packaging/sbom.sh arm64 $(PLUGIN_ARM64) $(DOCUMENTS_OPERATOR)/plugin/kubectl-eni-arm64.cdx.json kubectl-eni

# The audit CronJob runs this image.
image-operator: documents-operator ## Build the container image of the kubectl plugin for both architectures (OCI layout and tar)
	@tests/real/install.sh regctl
	@REGCTL=$(REAL)/bin/regctl packaging/image/build.sh $(PLUGIN) $(PLUGIN_ARM64) $(DOCUMENTS_OPERATOR)/plugin $(IMAGE_OPERATOR) kubectl-eni

# This target needs both binaries: it builds the packages for both architectures.
packages: documents ## Build the deb and the rpm for both architectures; SIGNING_KEY is the file of an OpenPGP key
	@tests/real/install.sh nfpm
	@rm -rf $(PACKAGES) && mkdir -p $(PACKAGES)
	@export NFPM=$(REAL)/bin/nfpm SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} SIGNING_KEY=$(SIGNING_KEY); \
	packaging/build.sh amd64 $(BINARY) $(DOCUMENTS) $(PACKAGES); \
	packaging/build.sh arm64 $(BINARY_ARM64) $(DOCUMENTS) $(PACKAGES)
	@sha256sum $(PACKAGES)/*.{deb,rpm}
	@$(if $(SIGNING_KEY),echo "packages signed with $(SIGNING_KEY)",echo "PACKAGES ARE NOT SIGNED: set SIGNING_KEY to the file of an OpenPGP key")

# Warnings of mdBook, dead links and missing anchors are errors. The check sends no requests to other servers.
book: toolchain compiler ## Build the documentation site, and check its links
	@tests/real/install.sh mdbook
	@tests/real/need.sh python3=python3
	@python3 -B -m unittest discover --buffer --start-directory packaging/book
	@packaging/book/book.py build $(REAL)/bin/mdbook $(BOOK)
	@echo "open $(BOOK)/index.html"

# Not part of .ci/run: it needs the internet, and other servers can fail.
check-external-links: book ## Request each external link of the documentation site with curl
	@tests/real/need.sh curl=curl
	@xargs -P 8 -I {} sh -c 'curl --silent --show-error --fail --location --max-time 30 --retry 2 --output /dev/null "$$1" || \
		{ echo "$$1" >&2; exit 1; }' sh {} <$(CARGO_TARGET_DIR)/external-links.txt

# RELEASE.md describes a release. HOMEPAGE and DOWNLOADS are URLs in the krew manifest.
release: packages image image-operator ## Build all artefacts of a release in target/dist; SIGNING_KEY is the file of an OpenPGP key
	@tests/real/need.sh git=git
	@rm -rf $(DIST)
	@SIGNING_KEY=$(SIGNING_KEY) packaging/dist.sh $(CARGO_TARGET_DIR) $(DIST)
	@$(if $(SIGNING_KEY),echo "checksums signed with $(SIGNING_KEY)",echo "THE RELEASE IS NOT SIGNED: set SIGNING_KEY to the file of an OpenPGP key")

# The picture in README.md.
recording: toolchain compiler ## Record tests/demo.sh again, and draw docs/pictures/demo.svg
	@tests/real/need.sh python3=python3
	@cargo build --quiet --locked --package eni-bootstrap --package eni-bootstrap-sandbox
	docs/pictures/record.py record docs/pictures/demo.cast 'exit status: 0' tests/demo.sh
	docs/pictures/record.py draw docs/pictures/demo.cast docs/pictures/demo.svg

# .ci/run starts this in the background: most of these builds use one core, and so does the linker of the
# release binary. The order is the order in which the tests need the parts.
parts: ## Build the servers and tools of all tests
	@mkdir -p $(REAL)
	@status=0; for part in arm64 moto kubernetes ipamd awscli imds nodeadm nodeadm-max-pods karpenter-cel karpenter-crds cni-limits promlint helm root boot kubelet \
		toxiproxy regctl nfpm cargo-cyclonedx cyclonedx mdbook; do \
		tests/real/install.sh $$part || status=1; \
	done; exit $$status

clean-real: ## Remove everything that tests/real/install.sh installed
	rm -rf --one-file-system $(REAL)

toolchain:
	@cargo --version >/dev/null 2>&1 || { \
		command -v rustup >/dev/null && rustup toolchain install stable --profile default; \
	} || { echo "cargo not found; install Rust $$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or later, for example with rustup" >&2; exit 1; }

compiler:
	@tests/real/need.sh cc=gcc,libc6-dev readelf=binutils
