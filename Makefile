# This file is part of virsh-backup: backup and restore for libvirt domains.
# Copyright (C) 2026 the virsh-backup authors
#
# SPDX-License-Identifier: GPL-3.0-or-later

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
PROGRAM := .build/release/virsh-backup

# Where the shells look, below any prefix.
BASH_COMPLETION = $(PREFIX)/share/bash-completion/completions/virsh-backup
ZSH_COMPLETION = $(PREFIX)/share/zsh/site-functions/_virsh-backup
FISH_COMPLETION = $(PREFIX)/share/fish/vendor_completions.d/virsh-backup.fish
# Where systemd looks, below /usr and /usr/local; the units are neither enabled nor started.
UNITS = $(PREFIX)/lib/systemd/system

# What a build needs, what a package is made with, and what the demo and the tests need besides.
# libvirt-daemon without libvirt-daemon-system brings the programs and starts no service.
BUILD_PACKAGES := libvirt-dev libreadline-dev libxml2-dev pkg-config
DEB_PACKAGES := debhelper dpkg-dev lintian
TEST_PACKAGES := libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients \
	qemu-system-x86 qemu-utils qemu-block-extra seabios \
	bash-completion binutils e2fsprogs fish g++ git iproute2 libnbd-bin man-db mawk mount \
	mtools openssl ovmf python3-libnbd swtpm swtpm-tools time \
	tpm2-tools libtss2-tcti-swtpm0 util-linux virtnbdbackup zsh
PACKAGES := $(BUILD_PACKAGES)

# Scripts, by their first line, and files that carry the four lines on the license.
SOURCES = $(shell git ls-files --cached --others --exclude-standard)
SCRIPTS = $(shell grep -lsE '^\#!/bin/(ba|busybox )?sh' $(SOURCES))
LICENSED = $(filter %.swift %.h %.c %.S Makefile,$(SOURCES)) $(SCRIPTS)

.PHONY: build
build: ## the program, with the Swift standard library inside
	$(SWIFT) build -c release --static-swift-stdlib --product virsh-backup

.PHONY: deps
deps: ## what a build needs, through apt
	@command -v dpkg-query >/dev/null || { echo "Not Debian: see README.md for what is needed."; exit 0; }; \
	missing=; \
	for package in $(PACKAGES); do \
	  [ "$$(dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null)" = installed ] || \
	    missing="$$missing $$package"; \
	done; \
	[ -n "$$missing" ] || exit 0; \
	echo "Installing:$$missing"; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	$$sudo apt-get update -qq; \
	$$sudo env DEBIAN_FRONTEND=noninteractive \
	  apt-get install -y -qq --no-install-recommends $$missing
	@command -v $(SWIFT) >/dev/null || { echo "Swift 6.3 is needed: https://www.swift.org/install"; exit 1; }

.PHONY: test-deps
test-deps: PACKAGES += $(TEST_PACKAGES)
test-deps: deps ## what the demo and the tests need besides

.PHONY: demo
demo: test-deps build ## a backup and a restore on a private libvirtd (KEEP=1: left running)
	@KEEP='$(KEEP)' Tests/Demo/run $(PROGRAM)

.PHONY: lint
lint: ## format, licenses, syntax of the scripts, which part of the engine names and calls which
	$(SWIFT) format lint --strict --recursive --parallel Sources Tests Package.swift
	@bad=; for file in $(LICENSED); do \
	  head -n 6 "$$file" | grep -q 'SPDX-License-Identifier: GPL-3.0-or-later' || bad="$$bad $$file"; \
	done; \
	[ -z "$$bad" ] || { echo "No license in the first lines of:$$bad"; exit 1; }
	@for script in $(SCRIPTS); do bash -n "$$script"; done
	@Tests/Lint/arrows
	@Tests/Lint/circles
	@Tests/Lint/kinds

.PHONY: check
check: test-deps lint ## everything that must pass before a change is taken
	$(SWIFT) build --build-tests
	@Tests/run "$$($(SWIFT) build --show-bin-path)"

# Not among what a change must pass: these take as long as they are told to.
ROUNDS ?= 50

.PHONY: check-long
check-long: test-deps ## the tests in which chance decides, ROUNDS times each (ROUNDS=50 FILTER=)
	$(SWIFT) build --build-tests
	@VIRSH_BACKUP_ROUNDS='$(ROUNDS)' Tests/run "$$($(SWIFT) build --show-bin-path)" '$(FILTER)'

# Not among what a change must pass: it needs root and Debian's mirror.
RELEASE ?= trixie
FILTER ?=

.PHONY: check-newer
check-newer: PACKAGES += debian-archive-keyring mmdebstrap
check-newer: test-deps ## the integration tests on Debian 13's libvirt and QEMU (RELEASE=trixie FILTER=)
	$(SWIFT) build --build-tests
	@Tests/Newer/run "$$($(SWIFT) build --show-bin-path)" '$(RELEASE)' '$(FILTER)'

# Seconds for each target, and the targets; all where none is named.
FUZZ_TIME ?= 60
FUZZ_TARGETS ?=
FUZZER := .build-fuzz/release/fuzzer

# Of several sanitizers that are named one by one the compiler takes the last, whichever that is.
.PHONY: fuzzer
fuzzer:
	VIRSH_BACKUP_FUZZER=1 $(SWIFT) build -c release --scratch-path .build-fuzz \
	  --sanitize fuzzer -Xswiftc -sanitize=fuzzer,address --product fuzzer

.PHONY: fuzz
fuzz: test-deps fuzzer ## look for inputs that break something (FUZZ_TIME=60 FUZZ_TARGETS=)
	@Tests/Fuzz/run fuzz $(FUZZER) $(FUZZ_TIME) $(FUZZ_TARGETS)

.PHONY: fuzz-keep
fuzz-keep: fuzzer ## add to the corpora what 'make fuzz' found
	@Tests/Fuzz/run keep $(FUZZER) $(FUZZ_TARGETS)

RUNS ?= 5
OTHER ?=

.PHONY: bench
bench: test-deps build ## start-up beside virsh's, a full backup beside what else copies (RUNS=5 OTHER=PROGRAM)
	@Tests/Benchmark/start $(PROGRAM)
	@OTHER='$(OTHER)' Tests/Benchmark/full $(PROGRAM) $(RUNS)

.PHONY: deb
deb: PACKAGES += $(DEB_PACKAGES)
deb: deps build ## a Debian package, for this release of Debian or Ubuntu, in .build/deb
	@packaging/deb $(PROGRAM) .build/deb

# Not among what a change must pass: it needs root and Debian's mirror.
.PHONY: check-deb
check-deb: PACKAGES += debian-archive-keyring mmdebstrap
check-deb: deb ## install the package in clean Debian 12 and 13, back up and restore there, purge it
	@Tests/Package/run .build/deb/virsh-backup_*.deb bookworm trixie

.PHONY: install
install: ## into DESTDIR and PREFIX; build first
	@[ -x $(PROGRAM) ] || { echo "Nothing to install: make build"; exit 1; }
	install -D -s -m 0755 $(PROGRAM) '$(DESTDIR)$(PREFIX)/bin/virsh-backup'
	install -D -m 0644 man/virsh-backup.1 '$(DESTDIR)$(PREFIX)/share/man/man1/virsh-backup.1'
	install -D -m 0644 completions/virsh-backup '$(DESTDIR)$(BASH_COMPLETION)'
	install -D -m 0644 completions/_virsh-backup '$(DESTDIR)$(ZSH_COMPLETION)'
	install -D -m 0644 completions/virsh-backup.fish '$(DESTDIR)$(FISH_COMPLETION)'
	install -D -m 0644 packaging/systemd/virsh-backup.timer '$(DESTDIR)$(UNITS)/virsh-backup.timer'
	sed 's|=/usr/bin/|=$(PREFIX)/bin/|' packaging/systemd/virsh-backup.service \
	  | install -D -m 0644 /dev/stdin '$(DESTDIR)$(UNITS)/virsh-backup.service'

.PHONY: uninstall
uninstall: ## what install put there, with the same DESTDIR and PREFIX
	rm -f '$(DESTDIR)$(PREFIX)/bin/virsh-backup' \
	  '$(DESTDIR)$(PREFIX)/share/man/man1/virsh-backup.1' \
	  '$(DESTDIR)$(BASH_COMPLETION)' '$(DESTDIR)$(ZSH_COMPLETION)' '$(DESTDIR)$(FISH_COMPLETION)' \
	  '$(DESTDIR)$(UNITS)/virsh-backup.timer' '$(DESTDIR)$(UNITS)/virsh-backup.service'

.PHONY: clean
clean:
	rm -rf .build .build-fuzz
