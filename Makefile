# SPDX-License-Identifier: Apache-2.0
# spec-runner: plain make and pkg-config. Everything built but ./spec-runner goes under .artifacts/.
#
#   make            build ./spec-runner
#   make run        install what is missing, build, supervise a real test suite and a program that hangs
#   make check      install what is missing, build, run every test       (T='tests/cli/zoo.t' for some;
#                   LOAD=8: with so many busy loops running beside it)
#   make portable   one static tree that runs on any Linux, and its tarball; ARCH=arm64 for that processor (docs/INSTALL.md)
#   make deb        the Debian package of what is committed
#   make npm wheel rpm   the npm packages, the Python wheel and the RPM of the portable trees that are there
#   make lint san fuzz bench install uninstall dist clean
# WERROR=1: a warning is an error, as in `make lint` and CI. LIBEXECDIR, STATIC_LIBS=0: for distributions.
VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
# Found relative to the program; compiled in only where it is somewhere else.
LIBEXECDIR ?= $(PREFIX)/libexec/spec-runner
CC ?= gcc
BUILD ?= .artifacts/build
LIBEXEC ?= .artifacts/libexec
PROG ?= spec-runner
OPT ?= -O2 -g
comma := ,
# This program parses other people's files and traces other people's processes.
HARDEN := $(if $(SANITIZE),,$(if $(filter -O0,$(OPT)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)) -fstack-protector-strong -fPIE
HARDEN_LINK := $(if $(PORTABLE),-static-pie -Wl$(comma)--gc-sections,-pie) -Wl,-z,relro -Wl,-z,now
WARN := -Wall -Wextra $(if $(WERROR),-Werror) -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wvla
PKGS := yaml-0.1 libpcre2-8 libsodium
# What a program of programs/ needs besides, by its name; LIBS_NAME is for archives without a pkg-config file
# (libiberty: names of C++ and Rust). A program in OPTIONAL is left out, with a word, where its packages are missing.
PKGS_inspect := libdw liblzma
PKGS_report := zlib
LIBS_inspect := -liberty
PKGS_sampler := libdw liblzma zlib
LIBS_sampler := -liberty
PKGS_symbolize := libdw liblzma
LIBS_symbolize := -liberty
LIBS_repro := -lm
# The history: SQLite; PostgreSQL where libpq is there, too.
# No static libpq: it needs Kerberos, LDAP and TLS.
PKGS_history = sqlite3 $(if $(PORTABLE),,$(if $(call has_pkgs,libpq),libpq))
PKGS_compare = $(PKGS_history)
PKGS_shard = $(PKGS_history)
PKGS_bisect = $(PKGS_history)
PKGS_ingest = $(PKGS_history)
PKGS_analyze = $(PKGS_history)
PKGS_evidence = $(PKGS_history)
PKGS_run-report = $(PKGS_history)
# The same over HTTP, and for agents on stdio.
PKGS_serve = libmicrohttpd $(PKGS_history)
PKGS_mcp = $(PKGS_history)
PKGS_optimize = $(PKGS_history)
# The only program that talks to a network.
PKGS_gateway = libcurl
LIBS_history := -lm
LIBS_compare := -lm
LIBS_shard := -lm
LIBS_bisect := -lm
LIBS_ingest := -lm
LIBS_analyze := -lm
LIBS_evidence := -lm
LIBS_run-report := -lm
LIBS_serve := -lm -lpthread
LIBS_mcp := -lm
LIBS_audit := -lpthread
OPTIONAL := history compare shard bisect ingest analyze evidence run-report serve mcp optimize gateway
LIBS_optimize := -lm
LIBS_gateway := -lm
LIBS_explain := -lm
# A wing that only optional programs link is compiled where these are there (as PKGS_NAME above).
OPTIONAL_WINGS := history serve mcp
# The audit's parser and grammars are C sources that contrib/install-deps.sh puts below GRAMMARS; without them
# the wing and its programs are left out. The tarball of `make dist` carries them.
GRAMMARS ?= $(if $(wildcard contrib/grammars/node_modules),contrib/grammars,.artifacts/grammars)
TREE_SITTER := $(GRAMMARS)/node_modules/tree-sitter/vendor/tree-sitter/lib
GRAMMAR_SRCS := $(wildcard $(TREE_SITTER)/src/lib.c $(GRAMMARS)/node_modules/tree-sitter-python/src/*.c)
HAVE_GRAMMARS := $(if $(filter %/lib.c,$(GRAMMAR_SRCS)),$(if $(filter %/parser.c,$(GRAMMAR_SRCS)),yes))
# Further languages, each where its grammar is there.
GRAMMARS_MORE := $(foreach l,c javascript typescript/typescript typescript/tsx go,\
	$(if $(wildcard $(GRAMMARS)/node_modules/tree-sitter-$(l)/src/parser.c),$(l)))
GRAMMAR_SRCS += $(foreach l,$(GRAMMARS_MORE),$(wildcard $(GRAMMARS)/node_modules/tree-sitter-$(l)/src/*.c))
WITHOUT_GRAMMARS := $(if $(HAVE_GRAMMARS),,audit)
PKG_CONFIG ?= pkg-config
# make V=1 shows whole command lines.
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)')
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
# As many jobs as processors, unless -j says otherwise (a sub-make has the jobs of the one above).
ifeq ($(MAKELEVEL)$(filter -j% --jobserver%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(JOBS)
endif
FUZZ_SECONDS ?= 60

# Asked once. Empty where pkg-config or a library is missing: parsing must not fail then,
# because `make run` and `make check` install them; a compile says what to do (needs_pkgs).
# For the portable tree a package is there when all of its archives are.
has_pkgs = $(if $(strip $(1)),$(shell $(PKG_CONFIG) --exists $(1) 2>/dev/null && $(if $(PORTABLE),$(call has_archives,$(1)) && )echo yes),yes)
has_archives = ! for l in $$($(PKG_CONFIG) --static --libs-only-l $(1)); do test -f "$$($(CC) -print-file-name=lib$${l\#-l}.a)" || echo no; done | grep -q no
LIBEXEC_NAMES := $(filter-out $(WITHOUT_GRAMMARS) $(foreach p,$(OPTIONAL),$(if $(call has_pkgs,$(PKGS_$(p))),,$(p))),$(patsubst programs/%.c,%,$(sort $(wildcard programs/*.c))))
LEFT_OUT := $(filter-out $(LIBEXEC_NAMES),$(patsubst programs/%.c,%,$(sort $(wildcard programs/*.c))))
PKGS_PROGRAMS := $(sort $(foreach p,$(filter-out $(OPTIONAL),$(LIBEXEC_NAMES)),$(PKGS_$(p))))
PKGS_OPTIONAL := $(sort $(foreach p,$(filter $(OPTIONAL),$(LIBEXEC_NAMES)),$(PKGS_$(p))))
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) $(PKGS_PROGRAMS) $(PKGS_OPTIONAL) 2>/dev/null)
PKG_FOUND := $(call has_pkgs,$(PKGS) $(PKGS_PROGRAMS))
needs_pkgs = $(if $(PKG_FOUND),,$(error $(PKGS) $(PKGS_PROGRAMS) not found by $(PKG_CONFIG): run contrib/install-deps.sh build))
COMPILED_IN = $(if $(PORTABLE),-DSPEC_RUNNER_NO_POSTGRES,$(if $(filter-out $(PREFIX)/libexec/spec-runner,$(LIBEXECDIR)),-DSPEC_RUNNER_LIBEXECDIR='"$(LIBEXECDIR)"'))
CPPFLAGS += -I. $(if $(HAVE_GRAMMARS),-isystem $(TREE_SITTER)/include -isystem $(TREE_SITTER)/src $(addprefix -DGRAMMAR_,$(notdir $(GRAMMARS_MORE)))) -D_GNU_SOURCE -DSPEC_RUNNER_VERSION='"$(VERSION)"' $(COMPILED_IN) -DPCRE2_CODE_UNIT_WIDTH=8
# The same bytes from every folder.
SAME_BYTES = -ffile-prefix-map=$(CURDIR)=. $(if $(PORTABLE),-ffunction-sections -fdata-sections)
CFLAGS_ALL = $(needs_pkgs)-std=gnu17 $(OPT) $(WARN) $(HARDEN) $(SAME_BYTES) -fno-strict-aliasing -fno-omit-frame-pointer $(CPPFLAGS) $(CFLAGS) $(SANITIZE) $(PKG_CFLAGS)
# The program that is started for every command links these statically where their archives are there, and libc as
# well: the dynamic linker would take a sixth of its whole start. STATIC_LIBS=0 for a distribution.
STATIC_LIBS ?= 1
no_archive = $(shell for l in $(1); do test -f "$$($(CC) -print-file-name=$$l)" || echo no; done)
HAVE_ARCHIVES := $(filter-out 0,$(STATIC_LIBS))$(if $(SANITIZE),no)$(call no_archive,libyaml.a libpcre2-8.a libsodium.a)
STATIC_PROG := $(if $(filter 1,$(HAVE_ARCHIVES)$(call no_archive,libc.a rcrt1.o)),yes)
LIBS_DYNAMIC := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
LIBS_MIXED := $(if $(filter 1,$(HAVE_ARCHIVES)),-Wl$(comma)-Bstatic $(LIBS_DYNAMIC) -Wl$(comma)-Bdynamic -lpthread,$(LIBS_DYNAMIC))
PKG_LIBS := $(PKG_CONFIG) $(if $(PORTABLE),--static )--libs
LIBS := $(if $(PORTABLE),$(shell $(PKG_LIBS) $(PKGS) 2>/dev/null),$(LIBS_MIXED))
libs_of = $(LIBS) $(if $(PKGS_$(1)),$(shell $(PKG_LIBS) $(PKGS_$(1)) 2>/dev/null)) $(LIBS_$(1))
# Tests, fuzz targets and benchmarks may call any wing.
LIBS_TESTS := $(LIBS) $(shell $(PKG_CONFIG) --libs $(PKGS_PROGRAMS) 2>/dev/null) \
	$(if $(PKGS_OPTIONAL),$(shell $(PKG_CONFIG) --libs $(PKGS_OPTIONAL) 2>/dev/null)) -liberty -lpthread -lm

# One archive a wing, in the order of the floors from the top: a wing that calls a higher one does not link.
# A program is a file: runner/cli/main.c (ours) or programs/NAME.c.
WINGS := $(filter-out $(if $(HAVE_GRAMMARS),,audit) $(foreach w,$(OPTIONAL_WINGS),$(if $(call has_pkgs,$(PKGS_$(w))),,$(w))),\
	runner serve mcp optimize history audit findings evidence profile liveness trace base)
wing_srcs = $(filter-out runner/cli/main.c,$(sort $(wildcard $(1)/*.c $(1)/*/*.c)))
WINGS := $(foreach w,$(WINGS),$(if $(call wing_srcs,$(w)),$(w)))
LIB_SRCS := $(foreach w,$(WINGS),$(call wing_srcs,$(w)))
LIB_OBJS := $(LIB_SRCS:%.c=$(BUILD)/%.o)
# Named by the languages in it: an archive that is already there lacks one that is installed later.
NO :=
SPACE := $(NO) $(NO)
GRAMMAR_LIB := $(if $(HAVE_GRAMMARS),$(BUILD)/libgrammars$(subst $(SPACE),,$(addprefix -,$(notdir $(GRAMMARS_MORE)))).a)
ARCHIVES := $(WINGS:%=$(BUILD)/lib%.a) $(GRAMMAR_LIB)
LIBEXEC_SRCS := $(LIBEXEC_NAMES:%=programs/%.c)
# Libraries that a program of ours preloads into the programs that it runs.
PRELOADS := $(patsubst programs/preload/%.c,$(LIBEXEC)/spec-runner-%.so,$(wildcard programs/preload/*.c))
LIBEXEC_PROGS := $(LIBEXEC_NAMES:%=$(LIBEXEC)/spec-runner-%)
# Tests of a wing that is left out are left out, too.
has_wing = $(filter $(1),$(WINGS))
UNIT_SRCS := $(filter-out $(if $(call has_wing,audit),,tests/unit/test_audit%.c) $(if $(call has_wing,history),,tests/unit/test_history%.c) $(if $(call has_wing,serve),,tests/unit/test_serve%.c) $(if $(call has_wing,mcp),,tests/unit/test_mcp%.c),$(sort $(wildcard tests/sim/*.c tests/unit/*.c)))
UNIT_PROGS := $(UNIT_SRCS:%.c=$(BUILD)/%)
ZOO_SRCS := $(sort $(wildcard tests/zoo/*.c tests/lib/*.c))
ZOO_PROGS := $(ZOO_SRCS:%.c=$(BUILD)/%)
BENCH_SRCS := $(sort $(wildcard tests/bench/*.c))
BENCH_PROGS := $(BENCH_SRCS:%.c=$(BUILD)/%)
FUZZ_SRCS := $(filter-out $(if $(call has_wing,audit),,tests/fuzz/fuzz_audit%.c) $(if $(call has_wing,history),,tests/fuzz/fuzz_history%.c) $(if $(call has_wing,serve),,tests/fuzz/fuzz_serve%.c) $(if $(call has_wing,mcp),,tests/fuzz/fuzz_mcp%.c),$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_NAMES := $(FUZZ_SRCS:tests/fuzz/fuzz_%.c=%)
REPLAY_PROGS := $(FUZZ_NAMES:%=$(BUILD)/tests/fuzz/replay_%)
FAULT_LIB := $(BUILD)/tests/fault/fault.so $(BUILD)/tests/fault/fast_clock.so
CLI_TESTS := $(sort $(wildcard tests/cli/*.t))
# The longest first, by the times of `prove --timer`, so that none of them is alone at the end. A test mostly waits: three for each processor take a third less time than one.
LONG_TESTS := $(patsubst %,tests/cli/%.t,zoo_patterns console repro wild profile cancel runners python_stacks zoo_scripts faults init \
	zoo_healthy zoo_ruby zoo_node zoo_python zoo_java zoo zoo_go leave live_place blocked zoo_native serve_pages python_zoo terminal)
TESTS = $(LONG_TESTS) $(UNIT_PROGS) $(filter-out $(LONG_TESTS),$(CLI_TESTS)) $(REPLAY_PROGS)
PROVE_JOBS ?= $(shell expr 3 \* $(JOBS))

.DEFAULT_GOAL := all
.PHONY: all programs docs tests-built run check check-here texts lint san fuzz fuzz-build fuzz-keep bench bench-docs \
	install uninstall dist portable portable-here portable-arm64 deb rpm npm wheel clean cross-arm64 FORCE
.DELETE_ON_ERROR:
.SECONDARY:
all: programs
programs: $(PROG) $(LIBEXEC_PROGS) $(PRELOADS) $(LIBEXEC)/hmopt
	$(if $(LEFT_OUT),@echo 'left out$(comma) packages missing: $(foreach p,$(LEFT_OUT),$(p) ($(or $(PKGS_$(p)),grammars of npm)))',@:)

# Rewritten only when the compiler or a flag changes: then everything is compiled again.
# `make install` takes what was built, whatever its CC says: recompiling as root helps nobody.
$(BUILD)/flags: $(if $(and $(filter install,$(MAKECMDGOALS)),$(wildcard $(BUILD)/flags),$(if $(findstring LIBEXECDIR,$(COMPILED_IN)),,yes)),,FORCE)
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CC) $(CFLAGS_ALL) $(LDFLAGS))' > $@.new
	@cmp -s $@.new $@ && rm -f $@.new || mv $@.new $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC    $<)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# Reports are the same bytes on every processor: no multiplication is fused with the addition behind it.
$(filter $(BUILD)/findings/% $(BUILD)/evidence/%,$(LIB_OBJS)): CFLAGS_ALL += -ffp-contract=off

# What is embedded with EMBED (base/embed.h) is no #include: the compiler does not list it.
$(patsubst %.c,$(BUILD)/%.o,$(shell grep -ls '^EMBED.[a-z]' $(LIB_SRCS) $(LIBEXEC_SRCS) $(UNIT_SRCS))): \
	$(sort $(wildcard audit/*.yaml findings/patterns/*.yaml profile/hooks/*.py profile/hooks/*.cjs findings/report/page.* serve/*.css serve/*.json schemas/*.yaml liveness/dialects/*.yaml runner/*/*.yaml))

$(BUILD)/optimize/agents.o: optimize/agents.yaml

define wing_archive
$$(BUILD)/lib$(1).a: $$(patsubst %.c,$$(BUILD)/%.o,$$(call wing_srcs,$(1)))
	@rm -f $$@
	$$(call say,AR    $$@)
	$$(Q)$$(AR) rcsD $$@ $$^
endef
$(foreach w,$(WINGS),$(eval $(call wing_archive,$(w))))

# Foreign sources: no warnings of ours.
GRAMMAR_OBJS := $(patsubst $(GRAMMARS)/node_modules/%.c,$(BUILD)/grammars/%.o,$(GRAMMAR_SRCS))
$(GRAMMAR_OBJS): $(BUILD)/grammars/%.o: $(GRAMMARS)/node_modules/%.c
	@mkdir -p $(@D)
	$(call say,CC    $<)
	$(Q)$(CC) -std=gnu17 -O3 -w -fPIE -D_GNU_SOURCE -I$(TREE_SITTER)/include -I$(TREE_SITTER)/src -I$(<D) $(SANITIZE) -c -o $@ $<

$(GRAMMAR_LIB): $(GRAMMAR_OBJS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

NO_DLOPEN := $(if $(PORTABLE),$(BUILD)/contrib/portable/no_dlopen.o)
$(PROG): $(BUILD)/runner/cli/main.o $(NO_DLOPEN) $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(if $(STATIC_PROG),$(HARDEN_LINK:-pie=-static-pie),$(HARDEN_LINK)) $(LDFLAGS) -Wl,--as-needed -o $@ $(filter %.o,$^) $(ARCHIVES) $(if $(STATIC_PROG),$(LIBS_DYNAMIC),$(LIBS))

# The same with libc's functions in a library, for tests that put their own in their place.
PRELOADED_PROG := $(BUILD)/tests/fault/spec-runner
$(PRELOADED_PROG): $(BUILD)/runner/cli/main.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(HARDEN_LINK) $(LDFLAGS) -Wl,--as-needed -o $@ $(filter %.o,$^) $(ARCHIVES) $(LIBS)

$(LIBEXEC)/spec-runner-%: $(BUILD)/programs/%.o $(NO_DLOPEN) $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(HARDEN_LINK) $(LDFLAGS) -Wl,--as-needed -o $@ $(filter %.o,$^) $(ARCHIVES) $(call libs_of,$*)

# Loaded into other people's processes: no hardening, sanitizer or library of ours, only libc's own symbols.
$(PRELOADS): $(LIBEXEC)/spec-runner-%.so: programs/preload/%.c $(wildcard programs/preload/*.h runner/repro/delay_state.h) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) -std=gnu17 -O2 -g $(WARN) $(SAME_BYTES) -I. -D_GNU_SOURCE -shared -fPIC -fvisibility=hidden -o $@ $< -ldl

$(UNIT_PROGS) $(BENCH_PROGS): $(BUILD)/%: $(BUILD)/%.o $(ARCHIVES)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(HARDEN_LINK) $(LDFLAGS) -Wl,--as-needed -o $@ $(filter %.o,$^) $(ARCHIVES) $(LIBS_TESTS)

# It brings a machine of its own: its definitions go before those of the archives.
$(BUILD)/tests/sim/sim_supervisor: LDFLAGS += -Wl,-z,muldefs

$(ZOO_PROGS): $(BUILD)/%: $(BUILD)/%.o
	$(call say,LINK  $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ -lpthread

# The saved inputs of a fuzz target, as a test of their own; built by whichever compiler builds the rest.
$(BUILD)/tests/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o $(ARCHIVES)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CFLAGS_ALL) $(HARDEN_LINK) $(LDFLAGS) -Wl,--as-needed -o $@ $(filter %.o,$^) $(ARCHIVES) $(LIBS_TESTS)

# Preloaded into ./spec-runner: one of its system calls fails, or its clock runs faster; never sanitised themselves.
$(FAULT_LIB): $(BUILD)/tests/fault/%.so: tests/fault/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LINK  $@)
	$(Q)$(CC) -std=gnu17 $(OPT) $(WARN) -D_GNU_SOURCE -shared -fPIC -o $@ $< -ldl

# Another name of the program (runner/cli/main.c).
$(LIBEXEC)/hmopt: $(PROG)
	@mkdir -p $(@D)
	@ln -sf $(abspath $(PROG)) $@

tests-built: programs $(UNIT_PROGS) $(ZOO_PROGS) $(REPLAY_PROGS) $(FAULT_LIB) $(PRELOADED_PROG)

DOCS ?= .artifacts
MAN := $(DOCS)/man/spec-runner.1
COMPLETIONS := $(DOCS)/completion/spec-runner.bash $(DOCS)/completion/_spec-runner $(DOCS)/completion/spec-runner.fish
# Words come from the program, which leaves out verbs whose program is missing: they are linked first. A machine of another kind
# takes them from one that runs here.
DOCS_PROG ?= ./$(PROG)
docs: $(MAN) $(COMPLETIONS)
$(MAN): $(PROG) $(LIBEXEC_PROGS)
	@mkdir -p $(@D)
	$(DOCS_PROG) help --man > $@
$(DOCS)/completion/spec-runner.bash: $(PROG) $(LIBEXEC_PROGS)
	@mkdir -p $(@D)
	$(DOCS_PROG) completion bash > $@
$(DOCS)/completion/_spec-runner: $(PROG) $(LIBEXEC_PROGS)
	@mkdir -p $(@D)
	$(DOCS_PROG) completion zsh > $@
$(DOCS)/completion/spec-runner.fish: $(PROG) $(LIBEXEC_PROGS)
	@mkdir -p $(@D)
	$(DOCS_PROG) completion fish > $@

# A sub-make after the installation, because what pkg-config says is read while parsing.
run:
	@contrib/install-deps.sh build demo
	@$(MAKE) --no-print-directory programs $(BUILD)/tests/zoo/silent
	@contrib/demo.sh $(abspath $(PROG)) $(abspath $(BUILD))

check:
	@contrib/install-deps.sh build history audit check demo
	@$(MAKE) --no-print-directory check-here

check-here: export SPEC_RUNNER = $(abspath $(PROG))
check-here: export TEST_BUILD = $(abspath $(BUILD))
check-here: export TEST_LIBEXEC = $(abspath $(LIBEXEC))
check-here: export TEST_SANITIZED = $(if $(SANITIZE),1,)
check-here: tests-built
	@tests/load $(or $(LOAD),0) prove -j$(PROVE_JOBS) --exec tests/run $(or $(T),$(TESTS)); code=$$?; \
	 : "where both of our processes were killed nobody was left to remove their cgroup"; \
	 rmdir /sys/fs/cgroup/spec-runner-run-* /sys/fs/cgroup/unified/spec-runner-run-* 2>/dev/null; exit $$code

# Accepts what is printed now as what is to be printed (tests/cli/texts.t).
texts:
	@TEXTS_WRITE=1 $(MAKE) --no-print-directory check-here T=tests/cli/texts.t

lint:
	@contrib/install-deps.sh build lint
	@contrib/lint.sh

# The program looks for its other programs in .artifacts/libexec beside itself.
SAN_DIR := .artifacts/san
san:
	@contrib/install-deps.sh build check demo
	@ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99:verify_asan_link_order=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
	 $(MAKE) --no-print-directory check-here BUILD=$(SAN_DIR)/build PROG=$(SAN_DIR)/spec-runner LIBEXEC=$(SAN_DIR)/.artifacts/libexec \
		OPT='-O1 -g' SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined'

FUZZ_DIR := .artifacts/fuzz
FUZZ_BINS := $(FUZZ_NAMES:%=$(FUZZ_DIR)/fuzz_%)
FUZZ_ONLY ?= $(FUZZ_NAMES)
fuzz:
	@contrib/install-deps.sh build fuzz
	@$(MAKE) --no-print-directory fuzz-build BUILD=$(FUZZ_DIR)/build CC=clang OPT='-O1 -g' \
		SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined'
	@contrib/fuzz.sh run $(FUZZ_DIR) $(FUZZ_SECONDS) $(FUZZ_ONLY)

fuzz-build: $(FUZZ_BINS)
$(FUZZ_DIR)/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(ARCHIVES)
	$(call say,LINK  $@)
	$(Q)$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer $(LDFLAGS) -Wl,--as-needed -o $@ $(filter %.o,$^) $(ARCHIVES) $(LIBS_TESTS)

# What fuzzing found new goes, minimised, into the tree, where `make check` replays it.
fuzz-keep:
	@contrib/fuzz.sh keep $(FUZZ_DIR) 0 $(FUZZ_ONLY)

bench: programs $(BENCH_PROGS) $(ZOO_PROGS)
	@SPEC_RUNNER=$(abspath $(PROG)) TEST_BUILD=$(abspath $(BUILD)) tests/bench/run.sh

bench-docs: programs $(BENCH_PROGS) $(ZOO_PROGS)
	@SPEC_RUNNER=$(abspath $(PROG)) TEST_BUILD=$(abspath $(BUILD)) tests/bench/run.sh --into docs/BENCHMARKS.md

# Compiles and links for arm64 with Debian's cross compiler (docs/HOWTO-build-arm64.md).
cross-arm64:
	+@contrib/arm64.sh build programs

SHARE = $(DESTDIR)$(PREFIX)/share
SCHEMAS := $(sort $(wildcard schemas/*.yaml))
install: programs docs
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBEXECDIR) $(SHARE)/man/man1 $(SHARE)/spec-runner/schemas \
		$(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	install -m 755 $(PROG) $(DESTDIR)$(PREFIX)/bin/spec-runner
	ln -sf spec-runner $(DESTDIR)$(PREFIX)/bin/hmopt
	$(if $(LIBEXEC_PROGS),install -m 755 $(LIBEXEC_PROGS) $(PRELOADS) $(DESTDIR)$(LIBEXECDIR)/)
	$(if $(SCHEMAS),install -m 644 $(SCHEMAS) $(SHARE)/spec-runner/schemas/)
	install -m 644 $(MAN) $(SHARE)/man/man1/spec-runner.1
	ln -sf spec-runner.1 $(SHARE)/man/man1/hmopt.1
	install -m 644 $(DOCS)/completion/spec-runner.bash $(SHARE)/bash-completion/completions/spec-runner
	install -m 644 $(DOCS)/completion/_spec-runner $(SHARE)/zsh/site-functions/_spec-runner
	install -m 644 $(DOCS)/completion/spec-runner.fish $(SHARE)/fish/vendor_completions.d/spec-runner.fish

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/spec-runner $(DESTDIR)$(PREFIX)/bin/hmopt $(SHARE)/man/man1/spec-runner.1 $(SHARE)/man/man1/hmopt.1 \
		$(SHARE)/bash-completion/completions/spec-runner $(SHARE)/zsh/site-functions/_spec-runner \
		$(SHARE)/fish/vendor_completions.d/spec-runner.fish
	rm -f $(DESTDIR)$(LIBEXECDIR)/spec-runner-* $(SCHEMAS:schemas/%=$(SHARE)/spec-runner/schemas/%)
	@: 'folders that install made and nobody else uses; those of the system stay though they are empty'
	@cd '$(DESTDIR)/' && for d in $(LIBEXECDIR) $(PREFIX)/share/spec-runner/schemas $(PREFIX)/share/bash-completion/completions \
		$(PREFIX)/share/zsh/site-functions $(PREFIX)/share/fish/vendor_completions.d $(PREFIX)/share/man/man1 $(PREFIX)/bin; do \
		test '$(DESTDIR)' -o '$(filter-out /usr /usr/local,$(PREFIX))' || case $$d in */bin | */man1) continue ;; esac; \
		d=$${d#/}; while [ "$$d" ] && [ "/$$d" != '$(if $(DESTDIR),,$(PREFIX))' ] && rmdir "$$PWD/$$d" 2>/dev/null; do \
			case $$d in */*) d=$${d%/*} ;; *) d= ;; esac; done; done; :

# What is committed, as one file that builds by itself.
dist:
	@mkdir -p .artifacts
	@git rev-parse --git-dir >/dev/null || { echo 'make dist: takes what is committed; this folder is not a git checkout' >&2; exit 1; }
	@contrib/dist.sh $(VERSION) $(if $(HAVE_GRAMMARS),$(GRAMMARS))

# Everything that has archives to link, static and relocatable: bin/, libexec/, share/ and one tarball.
PORTABLE_DIR := .artifacts/portable
# ARCH=arm64 on another machine; a variable of that name in the environment is somebody else's.
portable: portable-$(or $(if $(filter command,$(origin ARCH)),$(ARCH)),here)
portable-arm64:
	+@contrib/arm64.sh portable
portable-%:
	@echo 'make portable: ARCH=$*: arm64 can be built here, or leave it out for this machine' >&2; exit 2
portable-here:
	+@$(MAKE) --no-print-directory programs docs PORTABLE=1 BUILD=$(PORTABLE_DIR)/build PROG=$(PORTABLE_DIR)/spec-runner \
		LIBEXEC=$(PORTABLE_DIR)/.artifacts/libexec DOCS=$(PORTABLE_DIR)
	+@CC='$(CC)' PKG_CONFIG='$(PKG_CONFIG)' contrib/portable.sh $(PORTABLE_DIR) $(VERSION)

# The package of what is committed, for the Debian that this is.
deb:
	@contrib/deb.sh $(VERSION)

# Packages of the portable trees that are there, made offline.
npm rpm:
	@contrib/$@.sh $(VERSION)
wheel:
	@rm -rf .artifacts/wheel
	@for tree in $(wildcard $(foreach d,portable arm64/portable,.artifacts/$(d)/spec-runner-$(VERSION)-linux-x86_64 .artifacts/$(d)/spec-runner-$(VERSION)-linux-aarch64)); do \
		contrib/wheel.py $(VERSION) $$tree .artifacts/wheel || exit 1; done
	@test -d .artifacts/wheel || { echo 'make wheel: no portable tree: make portable' >&2; exit 1; }

# What a script must know about this build.
print-%:
	@printf '%s\n' '$($*)'

clean:
	rm -f spec-runner
	[ ! -d .artifacts ] || find .artifacts -mindepth 1 -maxdepth 1 ! -name .gitignore -exec rm -rf {} +

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
