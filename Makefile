# SPDX-License-Identifier: MIT
# Holdfast: `make help` lists the targets. Meson does the building, one build directory a toolchain below build/.
.DEFAULT_GOAL := all
B := build
MESON := meson
TP := $(B)/third-party
PREFIX ?= /usr/local
STAMP := $(B)/.packages
# Scripts and compilers speak one language, and write 0.5 with a point, whatever the user's locale is.
export LC_ALL := C.UTF-8

# A sanitizer build and one without, the device's cross build, the fuzzers' clang build.
CONFIGURE_host = $(MESON) setup $(B)/host -Dmbedtls=$(abspath $(TP)/mbedtls)
CONFIGURE_san = $(MESON) setup $(B)/san -Dmbedtls=$(abspath $(TP)/mbedtls) -Db_sanitize=address,undefined \
	-Db_lundef=false
CONFIGURE_stm32f407 = $(MESON) setup $(B)/stm32f407 --cross-file scripts/stm32f407.ini \
	-Dmbedtls=$(abspath $(TP)/mbedtls) -Dholdfast=$(abspath $(B)/host/tool/holdfast)
CONFIGURE_fuzz = CC=clang $(MESON) setup $(B)/fuzz -Dmbedtls=$(abspath $(TP)/mbedtls) -Dfuzz=true \
	-Db_sanitize=address,undefined -Db_lundef=false
# What the compiler is tried with would leave its counts here.
CONFIGURE_fuzzcov = LLVM_PROFILE_FILE=/dev/null CC=clang $(MESON) setup $(B)/fuzzcov -Dmbedtls=$(abspath $(TP)/mbedtls) -Dfuzz=true -Db_lundef=false \
	-Dc_args='-fprofile-instr-generate -fcoverage-mapping' -Dc_link_args=-fprofile-instr-generate

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | sort | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

packages: $(STAMP)
$(STAMP): scripts/packages.sh
	@mkdir -p $(B)
	@scripts/packages.sh
	@touch $@

$(TP)/mbedtls/library/sha256.c: scripts/third-party.sh | $(STAMP)
	@scripts/third-party.sh $(TP)

# Again when the options above may have changed; what else a build directory was made from Meson watches itself.
$(B)/%/build.ninja: Makefile | $(STAMP) $(TP)/mbedtls/library/sha256.c
	$(CONFIGURE_$*) $(if $(wildcard $@),--reconfigure)

.PHONY: all help packages host firmware san fuzzers check demo bench fuzz model campaign mutants scenarios size install deb clean
host: $(B)/host/build.ninja ## the tool, the twin and the tests
	@ninja -C $(B)/host --quiet

firmware: host $(B)/stm32f407/build.ninja ## boot, recovery and gateway, for each board
	@ninja -C $(B)/stm32f407 --quiet

san: host $(B)/san/build.ninja
	@ninja -C $(B)/san --quiet

fuzzers: $(B)/fuzz/build.ninja
	@ninja -C $(B)/fuzz --quiet fuzzers

all: host firmware ## everything but the tests' extra builds

check: firmware san fuzzers ## all tests; the last line counts them
	@scripts/check.sh $(B)

demo: firmware ## plays an upgrade on the digital twin, with faults
	@scripts/demo.sh $(B)

size: firmware ## text, stack and heap of boot, recovery and gateway
	@scripts/size.sh $(B)

bench: firmware ## measures; writes build/bench.json
	@scripts/bench.sh $(B)

fuzz: fuzzers $(B)/fuzzcov/build.ninja ## the fuzzers at length: FUZZ_SECONDS each (default 600); writes build/fuzz.json
	@ninja -C $(B)/fuzzcov --quiet fuzzers
	@scripts/fuzz.sh $(B)/fuzz $${FUZZ_SECONDS:-600} $(B)/fuzzcov $(B)/fuzz.json

model: host ## searches policy and journal deeper than `make check` does
	@$(B)/host/tests/model/journal_model 2
	@$(B)/host/tests/model/policy_model 6 4000000

campaign: firmware ## plays faults of all kinds at every instant, on the twin
	@status=0; scripts/campaign-coverage.sh $(B) || status=1; \
	scripts/campaign.sh $(B) --each --quota $${CAMPAIGN_QUOTA:-300} || status=1; \
	scripts/scenarios.sh $(B) || status=1; exit $$status

scenarios: firmware ## plays the fifteen causes of docs/FAULTS.md on the twin
	@scripts/scenarios.sh $(B)

mutants: firmware ## makes mistakes in policy, journal, slot, verifier: is each caught?
	@scripts/mutants.sh $(B)

install: host ## installs the tools: PREFIX (default /usr/local), DESTDIR
	@$(MESON) setup $(B)/host --reconfigure --prefix $(abspath $(PREFIX)) >/dev/null
	@$(MESON) install -C $(B)/host --no-rebuild

deb: host ## Debian packages: build/deb/*.deb
	@scripts/deb.sh $(B)/host $(B)/deb

clean: ## removes what was built, keeps the third-party source
	find $(B) -mindepth 1 -maxdepth 1 ! -name third-party ! -name .packages -exec rm -rf {} +
