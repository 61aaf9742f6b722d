# The two commands: `make run` and `make test`. And two that measure: `make bench` (the list of figures) and
# `make compare` (beside Redis, PostgreSQL and gRPC). All install what is missing first, and say so.

# Debian packages: the loop, the hash, TLS, and how the package manager finds them. The tests also use Python, strace, the
# names of time zones, and ext4 for a disk that is full.
PACKAGES := libuv1-dev libxxhash-dev libssl-dev pkg-config
TEST_PACKAGES := $(PACKAGES) python3 strace tzdata e2fsprogs openssl
# What judges the metrics and reads captures; `make test` says what it leaves out where they are missing.
OPERATION_PACKAGES := prometheus tshark
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

# How long `make torture` and `make fuzz` go on, in minutes. With KILLS and CUTS, or EXECUTIONS, they go on until so many
# servers were killed and so often the power cut, or inputs were fed, and fail when that takes longer than MINUTES.
MINUTES ?= $(if $(KILLS)$(CUTS)$(EXECUTIONS),30,5)
KILLS ?=
CUTS ?=
EXECUTIONS ?=
# Servers that are tortured at a time: most of a kill is waiting.
LANES ?= 4
# For example --kills-only, --seed 7, --json.
TORTURE_ARGUMENTS ?=

.PHONY: run test exhaustive sanitize coverage simulate torture fuzz build build-for-measuring bench compare lint format docs install-packages install-test-packages install-operation-packages check-operations deb test-deb

run: install-packages
	swift build --configuration release --product mana-server
	exec .build/release/mana-server $(SERVER_ARGUMENTS)

build: install-packages
	swift build --configuration release --product mana-server
	swift build --configuration release --product mana
	swift build --configuration release --product mana-load

# `swift test`, which says at its end what failed.
SWIFT_TEST := bash Tests/Reporting/test.sh
# Tests that talk to a process or a server have deadlines, and run one at a time: all at once, those that keep both
# threads of a small machine busy for half a minute let the deadlines of the others pass.
DEADLINE_TESTS = ^(IntegrationTests|ManaClientTests|ManaTestLedgerTests)\.

# TESTS_ARE_BUILT=1 where that was just done: looking whether anything has changed takes more than a minute.
BUILD_TESTS = $(if $(TESTS_ARE_BUILT),,swift build --build-tests)

test: install-test-packages
	$(BUILD_TESTS)
	@$(SWIFT_TEST) --skip-build --skip '$(DEADLINE_TESTS)'
	@$(SWIFT_TEST) --skip-build --filter '$(DEADLINE_TESTS)' --no-parallel
	python3 -m unittest discover --start-directory Clients/Python/tests

# Every bit, every length, every torn write and every failing operation of a small journal; `make test` tries a part.
exhaustive: install-test-packages
	$(BUILD_TESTS)
	MANA_EXHAUSTIVE=1 $(SWIFT_TEST) --skip-build \
	  --filter 'BitFlipTests|TruncationTests|TornWriteTests|ManaJournalTests.FailureTests|SalvageTests|BackupTests'

# The suite again, watched for data races by one sanitizer and for misused memory by the other; each is a build of its
# own, and what the tests start is built likewise. SUITE=modules leaves out the tests that talk to a server.
SANITIZERS ?= thread address
SUITE ?= all
UNSANITIZED_TESTS := $(DEADLINE_TESTS)|^(ManaBenchTests|StructureTests)\.
sanitize: install-test-packages
	@for sanitizer in $(SANITIZERS); do \
	  $(if $(filter all,$(SUITE)),,MANA_SERVER_ONLY=1) bash Tests/Sanitizing/sanitize.sh $$sanitizer '$(UNSANITIZED_TESTS)' \
	    $(if $(filter all,$(SUITE)),'$(DEADLINE_TESTS)') || exit; \
	done

# Which regions of the protocol, the ledger and the journal their tests and simulated worlds do not go through: an error
# where Tests/Coverage/unreachable does not say why. COVERAGE_ARGUMENTS=--json for programs, --help for what is a region.
# SANITIZER=address has the same run watched by the sanitizer. Counters are added to atomically: where a region's count is
# the difference of two others, increments that threads take from each other would make it nothing.
COVERED := Sources/ManaProtocol Sources/ManaLedger Sources/ManaJournal
COVERING_TESTS := ^(ManaProtocolTests|ManaLedgerTests|ManaJournalTests|ManaServerTests|SimulationTests)\.
COVERAGE_ARGUMENTS ?=
COVERAGE_SCRATCH = .build-$(or $(SANITIZER),coverage)
EXPECTED_GAPS = $(wildcard Tests/Coverage/unreachable $(SANITIZER:%=Tests/Coverage/unreachable-%))
COVERAGE_BUILD := --enable-code-coverage -Xswiftc -Xllvm -Xswiftc -instrprof-atomic-counter-update-all
coverage: export MANA_SERVER_ONLY := 1
coverage: install-test-packages
	@python3 -B Tests/Coverage/test_coverage.py --quiet
	@$(if $(SANITIZER),BUILD_ARGUMENTS='$(COVERAGE_BUILD)' bash Tests/Sanitizing/sanitize.sh $(SANITIZER) '$(UNSANITIZED_TESTS)', \
	  { swift build --build-tests $(COVERAGE_BUILD) --scratch-path $(COVERAGE_SCRATCH) && \
	  swift test --skip-build --enable-code-coverage --scratch-path $(COVERAGE_SCRATCH) --filter '$(COVERING_TESTS)'; }) >&2
	@Tests/Coverage/coverage $(patsubst %,--expected %,$(EXPECTED_GAPS)) $(COVERAGE_SCRATCH)/debug/mana-ledgerPackageTests.xctest \
	  $(COVERAGE_SCRATCH)/debug/codecov/default.profdata $(COVERED) $(COVERAGE_ARGUMENTS)

# The real server in as many simulated worlds as are asked for, or in one of them, with a trace.
simulate: install-packages
	@swift build --configuration release --product mana-simulate >&2
	@exec .build/release/mana-simulate $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) $(SIMULATE_ARGUMENTS)

# The real program killed under load, and its system calls made to fail, again and again.
torture: install-test-packages build-for-measuring
	@exec .build/release/mana-bench torture --lanes $(LANES) --minutes $(MINUTES) $(if $(KILLS),--kills $(KILLS)) \
	  $(if $(CUTS),--cuts $(CUTS)) $(TORTURE_ARGUMENTS)

# Decoders and recovery fed with what libFuzzer thinks of; a build of its own.
fuzz: install-test-packages
	@bash Tests/Fuzzing/fuzz.sh $(MINUTES) $(or $(EXECUTIONS),0)

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

# The documentation of the Swift client, in .build/documentation; an undocumented symbol or a broken link is an error.
# The symbols are read from the modules that a build leaves behind, with the module maps that these were built with.
SYMBOL_GRAPHS := .build/symbol-graphs
docs: install-packages
	swift build --target ManaClient
	@rm -rf $(SYMBOL_GRAPHS) && mkdir -p $(SYMBOL_GRAPHS)
	swift symbolgraph-extract -module-name ManaClient -output-dir $(SYMBOL_GRAPHS) \
	  -target $$(swift -print-target-info | sed -n 's/.*"unversionedTriple": "\(.*\)".*/\1/p') \
	  -minimum-access-level public -skip-synthesized-members -skip-inherited-docs \
	  -experimental-allowed-reexported-modules=ManaProtocol -I .build/debug/Modules \
	  $$(find .build/debug/ -maxdepth 2 -name module.modulemap | sed 's/^/-Xcc -fmodule-map-file=/') \
	  $$(find Sources .build/checkouts/*/Sources -type d \( -name include -o -name CIntrinsics \) | sed 's/^/-Xcc -I/')
	python3 Clients/Swift/Documentation/undocumented $(SYMBOL_GRAPHS) ManaClient ManaProtocol
	docc convert Clients/Swift/ManaClient/ManaClient.docc --additional-symbol-graph-dir $(SYMBOL_GRAPHS) \
	  --fallback-display-name ManaClient --fallback-bundle-identifier mana.ManaClient \
	  --output-path .build/documentation --warnings-as-errors

install-packages:
	@$(call install,$(PACKAGES))

install-test-packages:
	@$(call install,$(TEST_PACKAGES))

# What an operator installs, judged by those who read it. The program that the unit starts need not be installed.
check-operations: install-test-packages install-operation-packages
	promtool check rules Sources/mana-server/Operations/mana-alerts.yml
	mkdir -p .build/units
	cp Sources/mana-server/Operations/mana-server.socket .build/units
	sed 's|^ExecStart=.*|ExecStart=/bin/true|' Sources/mana-server/Operations/mana-server.service > .build/units/mana-server.service
	systemd-analyze --man=no verify .build/units/mana-server.service .build/units/mana-server.socket
	$(BUILD_TESTS)
	$(SWIFT_TEST) --skip-build --no-parallel --filter 'IntegrationTests\.(MetricsTests|PrometheusTests|DissectorTests)'

install-operation-packages:
	@$(call install,$(OPERATION_PACKAGES))

# A Debian package in .build/deb. The Swift runtime is in its programs, so that a server needs no toolchain; a later
# `make build` links them without it again.
DEB_PACKAGES := $(PACKAGES) python3 binutils
PACKAGING := Sources/mana-server/Operations/package
deb:
	@$(call install,$(DEB_PACKAGES))
	swift build --configuration release --static-swift-stdlib --product mana-server
	swift build --configuration release --static-swift-stdlib --product mana
	bash $(PACKAGING)/build.sh .build/deb .build/release

# Installs, runs, upgrades, removes and purges it on this machine, which takes root.
test-deb: deb
	@bash $(PACKAGING)/test.sh $$(ls -t .build/deb/*.deb | head -1) || [ $$? -eq 77 ]

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
