# spec-runner: plain make and pkg-config. Everything built but ./spec-runner goes under .artifacts/.
VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
LIBEXECDIR ?= $(PREFIX)/libexec/spec-runner
CC ?= gcc
BUILD ?= .artifacts/build
LIBEXEC ?= .artifacts/libexec
PROG ?= spec-runner
OPT ?= -O2 -g
WARN := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wvla
PKGS := yaml-0.1 libpcre2-8 libsodium
PKGS_LIBEXEC := jansson
PKG_CONFIG ?= pkg-config
CPPFLAGS += -I. -D_GNU_SOURCE -DSPEC_RUNNER_VERSION='"$(VERSION)"' -DSPEC_RUNNER_LIBEXECDIR='"$(LIBEXECDIR)"' -DPCRE2_CODE_UNIT_WIDTH=8
CFLAGS_ALL = -std=gnu17 $(OPT) $(WARN) -fno-strict-aliasing -fno-omit-frame-pointer $(CPPFLAGS) $(CFLAGS) $(SANITIZE) $(shell $(PKG_CONFIG) --cflags $(PKGS) $(PKGS_LIBEXEC) 2>/dev/null)
LIBS = $(shell $(PKG_CONFIG) --libs $(PKGS))
LIBS_LIBEXEC = $(LIBS) $(shell $(PKG_CONFIG) --libs $(PKGS_LIBEXEC))

# Floors 0 to 4. A program is a file runner/cli/main.c (ours) or libexec/NAME.c.
LIB_SRCS := $(sort $(wildcard base/*.c trace/*.c liveness/*.c findings/*.c findings/report/*.c runner/proc/*.c runner/ui/*.c runner/spec/*.c runner/gate/*.c)) \
	$(filter-out runner/cli/main.c,$(sort $(wildcard runner/cli/*.c)))
LIB_OBJS := $(LIB_SRCS:%.c=$(BUILD)/%.o)
PROFILE_SRCS := $(sort $(wildcard profile/*.c))
PROFILE_OBJS := $(PROFILE_SRCS:%.c=$(BUILD)/%.o)
LIBEXEC_SRCS := $(sort $(wildcard runner/libexec/*.c))
LIBEXEC_PROGS := $(LIBEXEC_SRCS:runner/libexec/%.c=$(LIBEXEC)/spec-runner-%)
UNIT_SRCS := $(sort $(wildcard tests/unit/*.c tests/sim/*.c))
UNIT_PROGS := $(UNIT_SRCS:%.c=$(BUILD)/%)
ZOO_SRCS := $(sort $(wildcard tests/zoo/*.c))
ZOO_PROGS := $(ZOO_SRCS:%.c=$(BUILD)/%)

.DEFAULT_GOAL := all
.PHONY: all programs tests-built
all: programs
programs: $(PROG) $(LIBEXEC_PROGS)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/libspecrunner.a: $(LIB_OBJS)
	@rm -f $@
	$(AR) rcs $@ $^

$(PROG): $(BUILD)/runner/cli/main.o $(BUILD)/libspecrunner.a
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(LIBS)

$(LIBEXEC)/spec-runner-%: $(BUILD)/runner/libexec/%.o $(BUILD)/libspecrunner.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(LIBS_LIBEXEC)

$(BUILD)/tests/unit/% $(BUILD)/tests/sim/%: $(BUILD)/tests/%.o
$(UNIT_PROGS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libspecrunner.a
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(LIBS_LIBEXEC)

$(ZOO_PROGS): $(BUILD)/%: $(BUILD)/%.o
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ -lpthread

tests-built: programs $(UNIT_PROGS) $(ZOO_PROGS)
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
