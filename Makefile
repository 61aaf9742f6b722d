# The two commands: `make run` and `make test`. And two that measure: `make bench` (the list of figures) and
# `make compare` (beside Redis, PostgreSQL and gRPC). All install what is missing first, and say so.

# Debian packages: the loop, the hash, TLS, and how the package manager finds them. The tests also use Python, strace, the
# names of time zones, and ext4 for a disk that is full.
PACKAGES := libuv1-dev libxxhash-dev libssl-dev pkg-config
TEST_PACKAGES := $(PACKAGES) python3 strace tzdata e2fsprogs
# What one would use instead.
PEER_PACKAGES := redis-server postgresql
SERVER_ARGUMENTS ?=
# How many worlds `make simulate` goes through; SEED=n repeats one of them, with a trace.
SEEDS ?= 10000
SIMULATE_ARGUMENTS ?=
# For example --quick, --json, --markdown, --only reads.
BENCH_ARGUMENTS ?=
COMPARE_ARGUMENTS ?=
# Its own package in its own folder: SwiftNIO's TLS and HTTP/2 take minutes to build, once.
GRPC_SCRATCH := .build-grpc

.PHONY: run test exhaustive simulate build build-for-measuring bench compare lint format install-packages install-test-packages

run: install-packages
	swift build --configuration release --product mana-server
	exec .build/release/mana-server $(SERVER_ARGUMENTS)

build: install-packages
	swift build --configuration release --product mana-server
	swift build --configuration release --product mana
	swift build --configuration release --product mana-load

test: install-test-packages
	swift build --build-tests
	swift test --skip-build
	python3 -m unittest discover --start-directory Clients/Python/tests

# Every bit, every length, every torn write and every failing operation of a small journal; `make test` tries a part.
exhaustive: install-test-packages
	swift build --build-tests
	MANA_EXHAUSTIVE=1 swift test --skip-build \
	  --filter 'BitFlipTests|TruncationTests|TornWriteTests|ManaJournalTests.FailureTests|SalvageTests|BackupTests'

# The real server in as many simulated worlds as are asked for, or in one of them, with a trace.
simulate: install-packages
	@swift build --configuration release --product mana-simulate >&2
	@exec .build/release/mana-simulate $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) $(SIMULATE_ARGUMENTS)

bench: build-for-measuring
	@exec .build/release/mana-bench figures $(BENCH_ARGUMENTS)

# What cannot be installed or built is left out of the table; the tool says so.
compare: build-for-measuring
	-@$(call install,$(PEER_PACKAGES))
	-swift build --configuration release --package-path Clients/Comparison/grpc --scratch-path $(GRPC_SCRATCH) >&2
	@exec .build/release/mana-bench compare --grpc $(GRPC_SCRATCH)/release/grpc-unary $(COMPARE_ARGUMENTS)

# The build speaks on standard error, so that the figures alone are on standard output.
build-for-measuring: install-packages
	@for product in mana-server mana-load mana-bench; do \
	  swift build --configuration release --product $$product >&2 || exit; \
	done

lint:
	swift format lint --strict --recursive Package.swift Sources Clients Tests

format:
	swift format --in-place --recursive Package.swift Sources Clients Tests

install-packages:
	@$(call install,$(PACKAGES))

install-test-packages:
	@$(call install,$(TEST_PACKAGES))

# Installs the Debian packages of a list that are not there yet, as root or through sudo.
define install
missing=$$(for package in $(1); do \
    dpkg-query --show --showformat='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || echo $$package; \
  done); \
if [ -n "$$missing" ]; then \
  echo "Installing with apt:" $$missing >&2; \
  if [ "$$(id -u)" -eq 0 ]; then root=; else root=sudo; fi; \
  { $$root apt-get update --quiet --quiet && \
    DEBIAN_FRONTEND=noninteractive $$root apt-get install --yes --quiet --no-install-recommends $$missing; \
  } >&2; \
fi
endef
