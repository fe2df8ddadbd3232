# Everything that is done with this project, each as one command. `make` alone lists them.
#
# A machine needs the Rust toolchain, Python 3.10 or later with venv, make, a C compiler and git, and for `test` Chromium or
# Chrome. All other tools are packages of Python and, below tests/description, of npm; they go into .venv and node_modules,
# are pinned, and disturb nobody.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL: # the steps of `test` are in order, the quick ones first

PYTHON ?= python3
VENV := .venv
INSTALLED := $(VENV)/.installed
NPM_INSTALLED := tests/description/node_modules/.installed

# The architecture that `package` and `deploy` build for; template.yaml has the same default.
# A stack that is there keeps its own: its function would not start with a package for the other.
DEPLOYED_ARCH := $(shell sed -n 's/.*Architecture=[^a-z]*\([a-z0-9_]*\).*/\1/p' samconfig.toml 2> /dev/null | head -n 1)
ARCH ?= $(or $(DEPLOYED_ARCH),arm64)
ifeq ($(filter $(ARCH),arm64 x86_64),)
$(error ARCH is `$(ARCH)`; it may be arm64 or x86_64)
endif
FLAG := --$(subst _,-,$(ARCH))

# A configuration that is put into the package, as config.json; `deploy` goes on with it as samconfig.toml says.
DEPLOYED_FILE := $(shell sed -n 's|.*ConfigFile=[\\"]*\([A-Za-z0-9_./-]*\).*|\1|p' samconfig.toml 2> /dev/null | head -n 1)
PACKAGE := target/lambda/ecs-api
ZIP := target/package/$(ARCH)/ecs-api/bootstrap.zip
TARGET := $(subst arm64,aarch64,$(ARCH))-unknown-linux-gnu

HOST_FLAG := --$(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86-64)

# How long `fuzz` looks with each target.
SECONDS ?= 60

# cargo finds its subcommand `lambda`, and cargo-lambda finds zig, on the path.
WITH_TOOLS := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
SAM := $(VENV)/bin/sam
export SAM_CLI_TELEMETRY := 0

.PHONY: help run test fuzz package validate deploy check-config has-config venv tools prerequisites browser check-format \
	check-lints check-docs check-run check-description build

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: venv ## Show the main job on a local AWS, then serve until Ctrl-C (PORT=9000, ONCE=1)
	@$(VENV)/bin/python tests/local_aws/demo.py $(if $(PORT),--port $(PORT)) $(if $(ONCE),--once)

test: tools browser check-format check-lints check-docs validate build check-run check-description ## Check everything, as CI does
	cargo test --workspace --locked

# On the pinned toolchain: libFuzzer needs no nightly, only the address sanitizer does, and there is no unsafe code here.
fuzz: ## Look for input that breaks the function (SECONDS=60 for each target)
	@command -v cargo-fuzz > /dev/null || { echo 'missing: cargo-fuzz' >&2; echo '  remedy: cargo install cargo-fuzz' >&2; exit 1; }
	@command -v c++ > /dev/null || { echo 'missing: a C++ compiler (c++)' >&2; echo '  remedy: apt-get install g++' >&2; exit 1; }
	set -e; for target in requests events bodies config paths; do \
		mkdir -p target/fuzz/$$target; \
		cargo fuzz run --sanitizer none --target-dir target/fuzz-build $$target target/fuzz/$$target fuzz/corpus/$$target -- \
			-dict=fuzz/words.dict -max_total_time=$(SECONDS) -max_len=16384 -timeout=10; \
	done

package: venv $(if $(CONFIG),check-config) ## Build the release package, also as a zip (ARCH=arm64 or x86_64, CONFIG=file to put into it)
	@if command -v rustup > /dev/null; then rustup target add $(TARGET); fi
	$(WITH_TOOLS) cargo lambda build --release --locked $(FLAG)
	$(WITH_TOOLS) cargo lambda build --release --locked $(FLAG) --output-format zip --lambda-dir target/package/$(ARCH)
	@rm -f $(PACKAGE)/config.json
	$(if $(CONFIG),install -m 644 $(CONFIG) $(PACKAGE)/config.json)
	$(if $(CONFIG),cd $(PACKAGE) && $(CURDIR)/$(VENV)/bin/python -c \
		"import zipfile; zipfile.ZipFile('$(CURDIR)/$(ZIP)', 'a', zipfile.ZIP_DEFLATED).write('config.json')")
	@echo "$(ARCH): $$(wc -c < $(PACKAGE)/bootstrap) bytes, zipped $$(wc -c < $(ZIP)): $(ZIP)"

validate: venv ## Check the CloudFormation templates
	AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint --template-file template.yaml
	AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint --template-file templates/member-account.yaml
	AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint --template-file templates/callers.yaml
	$(VENV)/bin/cfn-lint template.yaml templates/*.yaml
	$(SAM) build --template-file template.yaml --build-dir target/sam-build > target/sam-build.log 2>&1 || { cat target/sam-build.log; false; }

check-config: ## Check a configuration offline and say what it comes to (FILE=config.json)
	@cargo run --quiet --locked -- check-config $(or $(FILE),$(CONFIG),$(error give the configuration as FILE=config.json))

deploy: has-config package ## Deploy to AWS; asks for everything the first time, then follows samconfig.toml
	@echo "Deploying template.yaml with the package for $(ARCH)$(if $(CONFIG), and $(CONFIG) in it). The changes are shown before they are made."
	$(SAM) deploy --template-file template.yaml $(if $(wildcard samconfig.toml),--confirm-changeset,--guided --stack-name ecs-api \
		--capabilities CAPABILITY_IAM --parameter-overrides Architecture=$(ARCH) $(if $(CONFIG),ConfigFile=config.json))

has-config:
	@case '$(DEPLOYED_FILE):$(CONFIG)' in \
	:* | /* | *:?*) ;; \
	*) echo "samconfig.toml says that the package holds $(DEPLOYED_FILE): give the configuration as CONFIG=file" >&2; false;; \
	esac

venv: $(INSTALLED) ## Install the tools of requirements-dev.txt into .venv

tools: $(NPM_INSTALLED) ## Install the tools of tests/description too

$(NPM_INSTALLED): tests/description/package-lock.json | venv
	cd tests/description && PATH="$(CURDIR)/$(VENV)/bin:$$PATH" npm ci
	@touch $@

# Made anew, not updated: what an earlier version brought along must not linger.
$(INSTALLED): requirements-dev.txt | prerequisites
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --disable-pip-version-check --no-input --progress-bar off --quiet -r requirements-dev.txt
	@touch $@

prerequisites: # Name whatever is missing, all at once, and where to get it
	@missing=; \
	lacks() { echo "missing: $$1" >&2; echo "  remedy: $$2" >&2; missing=yes; }; \
	command -v cargo > /dev/null && command -v rustc > /dev/null || \
		lacks 'the Rust toolchain (cargo, rustc)' 'https://rustup.rs, then open a new shell'; \
	command -v git > /dev/null || \
		lacks 'git' 'apt-get install git, dnf install git, or xcode-select --install'; \
	command -v cc > /dev/null || command -v gcc > /dev/null || command -v clang > /dev/null || \
		lacks 'a C compiler (cc)' 'apt-get install gcc libc6-dev, dnf install gcc, or xcode-select --install'; \
	if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2> /dev/null; then \
		lacks 'Python 3.10 or later ($(PYTHON))' 'https://www.python.org/downloads, or name one: make PYTHON=python3.12'; \
	elif ! $(PYTHON) -c 'import ensurepip, venv' 2> /dev/null; then \
		lacks "Python's modules venv and ensurepip" 'apt-get install python3-venv'; \
	fi; \
	test -z "$$missing"

browser: venv
	@$(VENV)/bin/python tests/description/page.py --find

check-format:
	cargo fmt --all --check

check-lints:
	cargo clippy --workspace --all-targets --locked -- -D warnings

check-docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --document-private-items

check-run: venv
	$(VENV)/bin/python tests/local_aws/demo.py --port 0 --once

# The document's linters, clients that are generated from it, the page in a browser, and random requests.
check-description: tools build
	$(VENV)/bin/python tests/description/check.py

# For this machine, not for ARCH: the tests deploy it to the local AWS, which runs it here.
build: venv
	$(WITH_TOOLS) cargo lambda build --release --locked --compiler cargo $(HOST_FLAG)
