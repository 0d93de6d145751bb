# zksim: `make demo` shows it, `make test` proves it, `make help` lists the rest.

# ---- what this machine must have: Debian packages, named here and nowhere else -------------------------------
PACKAGES := gcc libc6-dev make pkg-config libglib2.0-dev libsqlite3-dev sqlite3 uthash-dev libcunit1-dev gnuplot-nox clang
LINT_PACKAGES := clang-format clang-tidy cppcheck
# libFuzzer and the sanitizers of clang
SLOW_PACKAGES := libclang-rt-14-dev

# ---- how to build --------------------------------------------------------------------------------------------
# MODE: release (default), debug, asan (address and undefined-behaviour sanitizers)
MODE ?= release
CC := gcc
DESTDIR ?=
PREFIX ?= /usr/local

OPTIMISE_release := -O2 -g
OPTIMISE_debug := -O0 -g
OPTIMISE_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPTIMISE := $(OPTIMISE_$(MODE))

B := build/$(MODE)$(if $(filter clang,$(CC)),-clang)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wswitch-enum -Wundef -Wvla \
	-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wformat=2 -Wredundant-decls -Werror
ifneq ($(CC),clang)
WARNINGS += -Wcast-align=strict -Wlogical-op -Wduplicated-cond -Wduplicated-branches
endif

HOST_LIBRARIES := glib-2.0 sqlite3
HOST_CFLAGS = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(HOST_LIBRARIES)))
HOST_LDLIBS = $(shell pkg-config --libs $(HOST_LIBRARIES)) -lm

VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

CFLAGS = -std=c11 $(OPTIMISE) $(WARNINGS) -I. -MMD -MP $(EXTRA_CFLAGS)
$(B)/sim/%.o $(B)/checker/%.o $(B)/tests/%.o: CFLAGS += -D_DEFAULT_SOURCE $(HOST_CFLAGS)
$(B)/sim/cmd/%.o: CFLAGS += -DZKSIM_VERSION='"$(VERSION)"'

PROTOCOL := $(shell find protocol -name '*.c' | sort)
SIM := $(shell find sim -name '*.c' -not -path 'sim/cmd/*' | sort)
CHECKER := $(shell find checker -name '*.c' | sort)
COMMANDS := $(shell find sim/cmd -name '*.c' | sort)
TESTS := $(shell find tests -name '*.c' -not -path 'tests/fuzz/*' -not -path 'tests/bench/*' | sort)

objects = $(1:%.c=$(B)/%.o)
LIBRARIES := $(B)/libchecker.a $(B)/libsim.a $(B)/libprotocol.a

.DEFAULT_GOAL := all
.PHONY: all help setup clean
all: build/zksim

build/zksim: $(B)/zksim
	@ln -sfn $(B:build/%=%)/zksim $@

$(B)/zksim: $(call objects,$(COMMANDS)) $(LIBRARIES)
	$(CC) $(OPTIMISE) $^ -o $@ $(HOST_LDLIBS)

$(B)/run-tests: $(call objects,$(TESTS)) $(LIBRARIES)
	$(CC) $(OPTIMISE) $^ -o $@ $(HOST_LDLIBS) -lcunit

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
build/fuzz/fuzz_scenario: tests/fuzz/fuzz_scenario.c $(SIM) $(PROTOCOL) $(shell find protocol sim -name '*.h')
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

-include $(shell find build -name '*.d' 2>/dev/null)

clean:
	rm -rf build
