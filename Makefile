# The two that matter:  make run   and   make test.  `make help` lists all.

CARGO ?= cargo
QFC_DATA ?= $(CURDIR)/qfc-data

.PHONY: help run test check bench lab fuzz install clean build

help:
	@echo "make run       build the target and start it in the foreground with its default configuration"
	@echo "make test      all tests, a short pass with real Linux hosts in QEMU included"
	@echo "make check     format, lints, documentation"
	@echo "make lab       all scenarios with real Linux hosts; SCENARIO=<name or glob> KERNEL=<6.1|6.12|7> for some"
	@echo "make bench     speed; results under docs/bench/"
	@echo "make fuzz      fuzz the parsers; SECONDS_EACH=600"
	@echo "make install   program, man pages, completions, systemd unit; PREFIX=/usr/local DESTDIR="

build:
	@scripts/toolchain.sh
	$(CARGO) build --release --locked --bin qfc_tgt --bin qfc --bin qfc_fabric -p qfc -p host -p qfc_fabric

run: build
	@QFC_DATA="$(QFC_DATA)" scripts/run.sh

test:
	@scripts/toolchain.sh
	@scripts/test.sh

check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked

lab: build
	tests/lab/lab run $(if $(SCENARIO),--scenario '$(SCENARIO)') --kernel $(or $(KERNEL),all)

bench: build
	scripts/bench.sh

fuzz:
	scripts/fuzz.sh $(or $(SECONDS_EACH),600)

install: build
	scripts/install.sh

clean:
	$(CARGO) clean
