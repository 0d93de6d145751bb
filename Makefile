# zksim: `make demo` shows it, `make test` proves it, `make help` lists the rest.

# ---- what this machine must have: Debian packages, named here and nowhere else -------------------------------
PACKAGES := python3 gcc libc6-dev make pkg-config libglib2.0-dev libsqlite3-dev sqlite3 uthash-dev libcunit1-dev gnuplot-nox clang parallel
LINT_PACKAGES := clang-format clang-tidy cppcheck
# sanitizers of gcc (with gcc itself), libFuzzer and sanitizers of clang
SLOW_PACKAGES := libclang-rt-14-dev
# the real ZooKeeper and a client of it, to compare with
APACHE_PACKAGES := zookeeper python3-kazoo python3-pytest libzookeeper-mt-dev libcurator-recipes-java openjdk-17-jdk-headless

# ---- how to build --------------------------------------------------------------------------------------------
# MODE: release (default), debug, asan (address and undefined-behaviour sanitizers)
MODE ?= release
CC := gcc
DESTDIR ?=
PREFIX ?= /usr/local

OPTIMISE_release := -O2 -g
OPTIMISE_debug := -O0 -g
OPTIMISE_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# At fixed addresses: the explorer's checkpoints hold addresses of code (checker/explore/checkpoint.h), and calls cost less.
OPTIMISE := $(OPTIMISE_$(MODE)) -fno-pie
LINK := -no-pie
# The program, but not the tests, is optimised across files: a step crosses many of them.
ifeq ($(MODE)-$(CC),release-gcc)
LTO := -flto=auto
OPTIMISE += $(LTO) -ffat-lto-objects
AR := gcc-ar
endif

B := build/$(MODE)$(if $(filter clang,$(CC)),-clang)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wswitch-enum -Wundef -Wvla \
	-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wformat=2 -Wredundant-decls -Werror
ifneq ($(CC),clang)
WARNINGS += -Wcast-align=strict -Wlogical-op -Wduplicated-cond -Wduplicated-branches
endif

HOST_LIBRARIES := gio-2.0 gio-unix-2.0 sqlite3
HOST_CFLAGS = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(HOST_LIBRARIES)))
HOST_LDLIBS = $(shell pkg-config --libs $(HOST_LIBRARIES)) -lm

VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

CFLAGS = -std=c11 $(OPTIMISE) $(WARNINGS) -I. -MMD -MP $(EXTRA_CFLAGS)
$(B)/sim/%.o $(B)/checker/%.o $(B)/tests/%.o: CFLAGS += -D_DEFAULT_SOURCE $(HOST_CFLAGS)
$(B)/sim/cmd/main.o: CFLAGS += -DZKSIM_VERSION='"$(VERSION)"'
$(B)/sim/cmd/main.o: build/version

PROTOCOL := $(shell find protocol -name '*.c' | sort)
SIM := $(shell find sim -name '*.c' -not -path 'sim/cmd/*' | sort)
CHECKER := $(shell find checker -name '*.c' | sort)
COMMANDS := $(shell find sim/cmd -name '*.c' | sort)
TESTS := $(shell find tests -name '*.c' -not -path 'tests/fuzz/*' -not -path 'tests/bench/*' -not -path 'tests/apache/*' | sort)

objects = $(1:%.c=$(B)/%.o)
LIBRARIES := $(B)/libchecker.a $(B)/libsim.a $(B)/libprotocol.a

.DEFAULT_GOAL := all
.PHONY: all help clean FORCE
all: build/zksim

help:
	@awk '/^#: /{print substr($$0, 4)}' $(firstword $(MAKEFILE_LIST))

#: make               build build/zksim
#: make demo          set up, build, and show a run, a caught flaw, a query and a figure
#: make test          set up, build, and run every quick test
#: make check-slow    the tests that take minutes: sanitizers, flaws, many seeds, fuzzing, determinism
#: make kazoo         kazoo's own tests against zksim serve
#: make apache        beside Apache ZooKeeper: the same disks, the same answers
#: make determinism   the golden digests with gcc and clang, -O0 and -O2, with and without sanitizers
#: make golden        rewrite golden digests and data files: then read the diff
#: make bench         how fast it is
#: make bench-store    how fast the explorer's store is
#: make bench-apache   throughput and latency beside Apache ZooKeeper
#: make purity        protocol/ uses no clock, I/O, heap, thread, global or floating-point number
#: make lint          format, clang-tidy, cppcheck
#: make setup         install missing Debian packages (asks nothing; needs root or sudo)
#: make install       into $(DESTDIR)$(PREFIX), /usr/local by default
#: make clean         remove build/
#:
#: MODE=debug or MODE=asan builds into build/MODE instead; CC=clang into build/MODE-clang.

# The program of the last mode that was made.
build/zksim: $(B)/zksim FORCE
	@ln -sfn $(B:build/%=%)/zksim $@

build/version: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@

$(B)/zksim: $(call objects,$(COMMANDS)) $(LIBRARIES)
	$(CC) $(OPTIMISE) $(LINK) $(if $(LTO),,-fno-lto) $^ -o $@ $(HOST_LDLIBS)

$(B)/run-tests: $(call objects,$(TESTS)) $(LIBRARIES)
	$(CC) $(OPTIMISE) $(LINK) -fno-lto $^ -o $@ $(HOST_LDLIBS) -lcunit

$(B)/load: $(B)/tests/bench/load.o
	$(CC) $(OPTIMISE) $(LINK) -fno-lto $^ -o $@

$(B)/mt_client: $(B)/tests/apache/mt_client.o
	$(CC) $(OPTIMISE) $(LINK) -fno-lto $^ -o $@ -lzookeeper_mt -lpthread

$(B)/bench-store: $(B)/tests/bench/explore_store.o $(B)/libchecker.a $(B)/libprotocol.a
	$(CC) $(OPTIMISE) $(LINK) $^ -o $@

$(B)/libprotocol.a: $(call objects,$(PROTOCOL))
$(B)/libsim.a: $(call objects,$(SIM))
$(B)/libchecker.a: $(call objects,$(CHECKER))
$(B)/lib%.a:
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@

# Fuzz targets: libFuzzer, its own main; `build/fuzz/fuzz_wire -max_total_time=60` fuzzes for a minute.
FUZZ_CFLAGS := -std=c11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
build/fuzz/fuzz_scenario build/fuzz/fuzz_schedule build/fuzz/fuzz_server build/fuzz/fuzz_live_tap: build/fuzz/%: tests/fuzz/%.c $(SIM) $(PROTOCOL) $(shell find protocol sim -name '*.h')
	@mkdir -p $(@D)
	clang $(FUZZ_CFLAGS) -D_DEFAULT_SOURCE -I. $(HOST_CFLAGS) $(filter %.c,$^) -o $@ $(HOST_LDLIBS)
build/fuzz/%: tests/fuzz/%.c $(PROTOCOL) $(shell find protocol -name '*.h')
	@mkdir -p $(@D)
	clang $(FUZZ_CFLAGS) -I. $(filter %.c,$^) -o $@

# ---- purity: protocol/ knows no clock, I/O, heap, thread, global or floating-point number -------------------------
# Built once more without floating-point registers and without position-independence (so that const tables of pointers are read-only
# data), then asked for its symbols.
PURE_SYMBOLS := memcpy memmove memset memcmp memchr strlen strcmp strncmp ensure_failed
PURE_CFLAGS := -std=c11 -O2 -mgeneral-regs-only -fno-pie -fno-stack-protector -U_FORTIFY_SOURCE -I. -MMD -MP
PURE_OBJECTS := $(PROTOCOL:%.c=build/purity/%.o)

.PHONY: purity
purity: $(PURE_OBJECTS)
	@nm -A -P $^ | awk -v allowed='$(PURE_SYMBOLS)' ' \
	    BEGIN { n = split(allowed, names); for (i = 1; i <= n; i++) known[names[i]] = 1 } \
	    $$3 ~ /^[TRWV]$$/ { known[$$2] = 1 } \
	    $$3 == "U" { uses[$$1 " uses " $$2] = $$2 } \
	    $$3 ~ /^[DdBbCGgSs]$$/ { print $$1 " holds the variable " $$2 } \
	    END { for (use in uses) if (!(uses[use] in known)) print use }' > build/purity/offenders
	@test ! -s build/purity/offenders || { sort build/purity/offenders >&2; exit 1; }
	@echo "purity: $(words $(PURE_OBJECTS)) files of protocol/ use nothing but $(PURE_SYMBOLS)"

build/purity/%.o: %.c
	@mkdir -p $(@D)
	gcc $(PURE_CFLAGS) -c $< -o $@

# ---- set-up --------------------------------------------------------------------------------------------------------
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# $(call install,PACKAGES): those of them that are missing
define install
	@missing=; for package in $(1); do \
	    dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	    echo "installing:$$missing"; \
	    export DEBIAN_FRONTEND=noninteractive; \
	    $(SUDO) apt-get update -qq && \
	    $(SUDO) apt-get install -y -qq --no-install-recommends $$missing > build/setup.log 2>&1 || \
	    { tail -5 build/setup.log >&2; exit 1; }; \
	fi
endef

.PHONY: setup setup-lint setup-slow setup-apache
setup:
	@mkdir -p build
	$(call install,$(PACKAGES))
setup-lint: setup
	$(call install,$(LINT_PACKAGES))
setup-slow: setup
	$(call install,$(SLOW_PACKAGES))
setup-apache: setup
	$(call install,$(APACHE_PACKAGES))

# ---- to show and to prove ------------------------------------------------------------------------------------------
# Recursive, because flags are asked from pkg-config, which set-up installs.
JOBS := -j$(shell nproc 2>/dev/null || echo 1)

.PHONY: demo test golden check-slow determinism sanitized fuzz apache kazoo bench bench-store bench-apache lint format install
demo: setup
	@$(MAKE) -s --no-print-directory $(JOBS) all
	@tests/demo.sh

test: setup
	@$(MAKE) -s --no-print-directory $(JOBS) all $(B)/run-tests purity
	@tests/cli.sh build/zksim
	@tests/serve.py build/zksim
	@tests/explore.sh build/zksim
	@tests/digests.sh build/zksim
	@tests/classics.sh build/zksim
	@tests/readme.sh README.md sim/README.md sim/cmd/README.md
	@tests/explore_flaws.sh build/zksim short > build/explore-flaws.log
	@$(B)/run-tests

golden: setup
	@$(MAKE) -s --no-print-directory $(JOBS) all $(B)/run-tests
	@ZKSIM_REWRITE=1 $(B)/run-tests > build/golden.log || true
	@tests/digests.sh build/zksim rewrite
	@tests/readme.sh --rewrite README.md sim/README.md sim/cmd/README.md
	@git diff --stat

determinism: setup-slow
	@for variant in "MODE=release CC=gcc" "MODE=debug CC=gcc" "MODE=release CC=clang" "MODE=debug CC=clang" "MODE=asan CC=gcc"; do \
	    echo "== $$variant"; \
	    $(MAKE) -s --no-print-directory $(JOBS) $$variant all && tests/digests.sh build/zksim || exit 1; \
	done; $(MAKE) -s --no-print-directory all

sanitized: setup-slow
	@$(MAKE) -s --no-print-directory $(JOBS) MODE=asan all build/asan/run-tests
	@tests/cli.sh build/asan/zksim
	@tests/serve.py build/asan/zksim
	@build/asan/run-tests
	@build/asan/zksim sweep scenarios/chaos.scn --seeds 1..20 $(JOBS)
	@$(MAKE) -s --no-print-directory all

FUZZ_SECONDS ?= 30
FUZZERS := $(notdir $(basename $(wildcard tests/fuzz/*.c)))
fuzz: setup-slow $(FUZZERS:%=build/fuzz/%)
	@for target in $(FUZZERS); do \
	    echo "== $$target, $(FUZZ_SECONDS) s"; mkdir -p build/fuzz/corpus-$$target; \
	    build/fuzz/$$target -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=build/fuzz/ build/fuzz/corpus-$$target \
	        > build/fuzz/$$target.log 2>&1 || { tail -20 build/fuzz/$$target.log; exit 1; }; \
	done

# Beside Apache ZooKeeper, on loopback.
apache: setup-apache
	@$(MAKE) -s --no-print-directory $(JOBS) all $(B)/mt_client
	@tests/apache/disks.py build/zksim
	@tests/apache/zkcli.py build/zksim
	@/usr/bin/python3 tests/apache/reconfig.py build/zksim
	@/usr/bin/python3 tests/apache/reconfig_disks.py build/zksim
	@tests/apache/mt_client.py build/zksim $(B)/mt_client
	@tests/apache/curator.py build/zksim
	@tests/apache/differential.py --zksim build/zksim --minimise

# kazoo's own tests, unmodified, against `zksim serve`.
# Left out: TestReadOnlyMode resumes a session at a server without a quorum, which fails on Apache ZooKeeper 3.8 too.
# Once in a while a busy machine needs it again: test_lock_many_threads waits for ever if one of its threads is through before another one has seen
# that all had come (its SleepBarrier); then the time is up.
KAZOO_LEFT_OUT := TestReadOnlyMode
KAZOO_TESTS := client watchers lock barrier queue counter party partitioner election lease cache connection
kazoo: setup-apache
	@$(MAKE) -s --no-print-directory $(JOBS) all
	@PYTHONPATH=tests/kazoo ZKSIM=build/zksim ZKSIM_REPORT=build/kazoo-verdicts.txt timeout 600 /usr/bin/python3 -m pytest -q \
	    -p zksim_kazoo -p no:cacheprovider -k 'not ($(KAZOO_LEFT_OUT))' --pyargs $(KAZOO_TESTS:%=kazoo.tests.test_%) > build/kazoo.log 2>&1 || \
	    { tail -40 build/kazoo.log; exit 1; }
	@grep -E '[0-9]+ passed' build/kazoo.log

check-slow: sanitized determinism fuzz apache kazoo
	@tests/flaws.sh build/zksim
	@tests/classics.sh build/zksim slow
	@tests/explore_flaws.sh build/zksim
	@tests/explore_whole.sh build/zksim
	@ZKSIM_SLOW=1 $(B)/run-tests explore explore-lockstep
	@build/zksim sweep scenarios/ --seeds 1..20 $(JOBS)
	@build/zksim sweep scenarios/chaos.scn --seeds 1..1000 $(JOBS)

bench: setup
	@$(MAKE) -s --no-print-directory $(JOBS) all
	@build/zksim bench

bench-apache: setup-apache
	@$(MAKE) -s --no-print-directory $(JOBS) all $(B)/load
	@tests/bench/apache.py build/zksim $(B)/load

bench-store: setup
	@$(MAKE) -s --no-print-directory $(JOBS) $(B)/bench-store
	@$(B)/bench-store

C_FILES = $(shell find protocol sim checker tests -name '*.[ch]' | sort)
format: setup-lint
	@clang-format -i $(C_FILES)

# What cppcheck does not understand: macros of uthash, queue.h and GLib, ensure(!"text"), pointers inside structs given by value.
CPPCHECK_MISTAKEN := uninitvar ctuuninitvar incorrectStringBooleanError syntaxError unknownMacro returnDanglingLifetime \
	nullPointerArithmetic
lint: setup-lint
	@clang-format --dry-run -Werror $(C_FILES)
	@cppcheck --quiet --std=c11 --enable=warning,portability --error-exitcode=1 -I. '-DG_DEFINE_QUARK(a,b)=' \
	    $(CPPCHECK_MISTAKEN:%=--suppress=%) protocol sim checker
	@printf '%s\n' $(filter protocol/%.c sim/%.c checker/%.c,$(C_FILES)) | xargs -P $(shell nproc) -n 8 sh -c \
	    'clang-tidy --quiet "$$@" -- -std=c11 -I. -D_DEFAULT_SOURCE "-DZKSIM_VERSION=\"\"" $(HOST_CFLAGS) 2> /dev/null' lint

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/zksim/plots $(DESTDIR)$(PREFIX)/share/zksim/scenarios
	install -m 755 $(B)/zksim $(DESTDIR)$(PREFIX)/bin/zksim
	install -m 644 plots/*.gp $(DESTDIR)$(PREFIX)/share/zksim/plots
	cp -R --no-preserve=ownership scenarios/. $(DESTDIR)$(PREFIX)/share/zksim/scenarios

-include $(shell find build -name '*.d' 2>/dev/null)

clean:
	rm -rf build
