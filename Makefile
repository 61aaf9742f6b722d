# The two commands: `make run` and `make test`. Both install what is missing first, and say so.

# Debian packages: the loop, the hash, and how the package manager finds them. The tests also use Python, strace, the
# names of time zones, and ext4 for a disk that is full.
PACKAGES := libuv1-dev libxxhash-dev pkg-config
TEST_PACKAGES := $(PACKAGES) python3 strace tzdata e2fsprogs
SERVER_ARGUMENTS ?=

.PHONY: run test exhaustive build lint format install-packages install-test-packages

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
  echo "Installing with apt:" $$missing; \
  if [ "$$(id -u)" -eq 0 ]; then root=; else root=sudo; fi; \
  $$root apt-get update --quiet --quiet && \
  DEBIAN_FRONTEND=noninteractive $$root apt-get install --yes --quiet --no-install-recommends $$missing; \
fi
endef
