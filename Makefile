# querycache: `make help` lists the goals. Sources are found by their place: ext/ is the extension,
# tests/ the tests, bench/ the benchmarks. A new file there needs no line here.

# What can be set on the command line
CC        ?= cc
PREFIX    ?= /usr/local
BUILD     ?= build
# Other versions of SQLite, compiled once and kept when build/ goes.
CACHE     ?= .cache/sqlite
SQLITE3   ?= sqlite3
# A test that takes longer has failed (where there is a timeout command).
TEST_SECONDS ?= 900
TIMEOUT    = $(if $(shell command -v timeout),timeout $(TEST_SECONDS))
JOBS      ?= $(shell getconf _NPROCESSORS_ONLN)
WARNINGS  ?= -Wall -Wextra -Wpedantic -Wshadow -Wconversion
# WERROR=-Werror makes warnings errors, as lint does.
WERROR    ?=

OS        := $(shell uname -s)
VERSION    = $(shell awk '/define QUERYCACHE_VERSION_(MAJOR|MINOR|PATCH) /{ v = v s $$3; s = "." } \
                          END { print v }' include/querycache.h)
LIBDIR     = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include

ifeq ($(OS),Darwin)
# Homebrew's SQLite: the system's own shell cannot load extensions.
BREW      := $(shell brew --prefix)
SQLITE3    = $(BREW)/opt/sqlite/bin/sqlite3
CPPFLAGS  += -isystem $(BREW)/opt/sqlite/include -isystem $(BREW)/include
LDFLAGS   += -L$(BREW)/opt/sqlite/lib
SUFFIX    := dylib
else
SUFFIX    := so
# Whatever SQLite calls must come from the table it hands over, not from a library of our choice.
EXTENSION_LDFLAGS := -Wl,-z,defs
# A copy of the library in one process calls its own functions (ext/load/copy.h).
OWN_SYMBOLS := -Wl,-Bsymbolic
endif

PRELOAD_SOURCES := $(wildcard ext/preload/*.c)
EXT_SOURCES     := $(filter-out $(PRELOAD_SOURCES),$(wildcard ext/*.c ext/*/*.c ext/*/*/*.c))
PROGRAM_SOURCES := $(wildcard tests/differential.c tests/torture.c tests/test_*.c)
# What test_model has instead of SQLite, and so is nothing for the others.
MODEL_SOURCES   := $(wildcard tests/model/*.c)
# What runs under querycache-run, and knows nothing of the cache.
CLIENT_SOURCES  := $(wildcard tests/preload/*.c)
# What `make suites` runs (tests/suites/suites.mk).
SUITE_SOURCES   := $(wildcard tests/suites/*.c)
SUPPORT_SOURCES := $(filter-out $(PROGRAM_SOURCES) $(MODEL_SOURCES) $(CLIENT_SOURCES) $(SUITE_SOURCES), \
                     $(wildcard tests/*.c tests/*/*.c))
BENCH_SOURCES   := $(wildcard bench/*.c)
BENCH_SUPPORT   := $(wildcard bench/support/*.c bench/policies/*.c)
# What `make bench-report` draws: how cost grows.
GROWTH_SOURCES  := $(wildcard bench/growth/*.c)
# What bench/peers.c compares with. Two of them want a library that need not be there.
HIREDIS         := $(shell pkg-config --libs hiredis 2>/dev/null)
LIBMEMCACHED    := $(shell pkg-config --libs libmemcached 2>/dev/null)
LEFT_OUT        := $(if $(HIREDIS),,bench/peers/redis.c) $(if $(LIBMEMCACHED),,bench/peers/memcached.c)
PEER_SOURCES    := $(filter-out $(LEFT_OUT),$(wildcard bench/peers/*.c))
PEER_FLAGS      := $(if $(HIREDIS),-DHAVE_HIREDIS) $(if $(LIBMEMCACHED),-DHAVE_LIBMEMCACHED)
SHELL_TESTS     := $(wildcard tests/*.t)
# The applications of docs/clients/. Most have an SQLite of their own, and so run once.
CLIENT_TESTS    := $(wildcard tests/clients/*.t tests/peers/*.t)
C_FILES          = $(shell find ext include tests bench docs -name '*.c' -o -name '*.h' | sort)
PROGRAMS        := $(patsubst tests/%.c,%,$(PROGRAM_SOURCES))
BENCHES         := $(BENCH_SOURCES:bench/%.c=%)
GROWTHS         := $(GROWTH_SOURCES:bench/%.c=%)

COMPILE   = $(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(WERROR) -fvisibility=hidden -fPIC \
            -MMD -MP -Iinclude -Iext $(CPPFLAGS)
# A hit goes through many small files; linked as one it is quicker by a tenth. gcc's objects hold
# both forms, so that libquerycache.a links anywhere.
LTO      := $(if $(shell $(CC) -dM -E - < /dev/null | grep __clang__),,-flto=auto -ffat-lto-objects)
RELEASE  := -O2 $(LTO) $(CFLAGS)
TEST     := -g -O1 -DQUERYCACHE_TEST $(CFLAGS)
SANITIZE := -fsanitize=address,undefined
ASAN     := $(TEST) $(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
TSAN     := $(TEST) -fsanitize=thread -fno-omit-frame-pointer
COVER    := -g -O0 -DQUERYCACHE_TEST --coverage -fprofile-update=atomic

# Goals that install or remove come first, one after the other, whatever -j says.
ifneq ($(filter deps dev-deps bench-deps package-deps suite-deps clean,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif
# For goals that build much: a job for each core, unless -j was given. V=1 shows the commands.
PARALLEL = +$(MAKE) --no-print-directory $(if $(V),,-s) \
           $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

# The tests find what they drive in the environment.
export CC BUILD CACHE SQLITE3 JOBS QUERYCACHE_DATA
export QUERYCACHE  ?= $(abspath $(BUILD)/querycache)
export SQLITE3_OLD ?= $(abspath $(CACHE)/3.31.1/sqlite3)
PROVE = prove --timer --jobs $(JOBS) --exec '$(TIMEOUT)'

.PHONY: all help static deps dev-deps bench-deps package-deps suite-deps amalgamation better-sqlite3 \
        peer-sources suites demo test test-system asan tsan coverage mutants bench bench-report \
        sources-of-sqlite programs format format-check lint clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

# What goes before a program's own SQLite: Linux has the means.
PRELOAD := $(if $(filter Linux,$(OS)),$(BUILD)/libquerycache_preload.so $(BUILD)/querycache-run)

all: $(BUILD)/querycache.$(SUFFIX) $(PRELOAD) ## Build build/querycache, the loadable extension, and build/querycache-run (the default)

help: ## Show this list
	@echo 'make GOAL ...'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile packaging/package.mk tests/suites/suites.mk | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'
	@echo 'Installed under PREFIX=$(PREFIX): lib/sqlite3/querycache.$(SUFFIX) (to .load), lib/libquerycache.a'
	@echo '(to link), include/querycache.h, lib/pkgconfig/querycache.pc, bin/querycache-run, share/man.'
	@echo 'DESTDIR is put in front.'
	@echo 'STEPS= and SEED= set the differential test, CC= the compiler, BUILD= another folder than build,'
	@echo 'V=1 shows the commands of the goals that build much, too.'

static: $(BUILD)/static/libquerycache.a ## Build build/static/libquerycache.a, to link with SQLite

# ---- What is compiled, and how -------------------------------------------------------------------

# A stamp changes when its text does; what depends on it is then made anew.
STAMP = @mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' > $@
FORCE:
$(BUILD)/flags: FORCE
	$(call STAMP,$(COMPILE) $(RELEASE) $(LDFLAGS))
$(BUILD)/sources: FORCE
	$(call STAMP,$(EXT_SOURCES) $(SUPPORT_SOURCES) $(MODEL_SOURCES) $(PEER_SOURCES))

# The extension, to be loaded: $(1) is its folder of objects, $(2) the library, $(3) the flags.
define EXTENSION
$(1)/%.o: %.c $(BUILD)/flags
	@mkdir -p $$(@D)
	$$(COMPILE) $(3) -c $$< -o $$@
$(2): $(EXT_SOURCES:%.c=$(1)/%.o) $(BUILD)/sources
	@mkdir -p $$(@D)
	$$(CC) -shared $(3) $(4) $(OWN_SYMBOLS) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) -lpthread
endef
$(eval $(call EXTENSION,$(BUILD)/obj,$(BUILD)/querycache.$(SUFFIX),$(RELEASE),$(EXTENSION_LDFLAGS)))
$(eval $(call EXTENSION,$(BUILD)/obj-asan,$(BUILD)/asan/querycache.$(SUFFIX),$(ASAN)))
$(eval $(call EXTENSION,$(BUILD)/obj-coverage,$(BUILD)/coverage/querycache.$(SUFFIX),$(COVER)))

# The same in a library that exports nothing but what it interposes.
PRELOAD_EXPORTS := ext/preload/exports
define PRELOAD_LIBRARY
$(2): $(PRELOAD_SOURCES:%.c=$(1)/%.o) $(EXT_SOURCES:%.c=$(1)/%.o) $(PRELOAD_EXPORTS) $(BUILD)/sources
	@mkdir -p $$(@D)
	$$(CC) -shared $(3) -Wl,--version-script=$(PRELOAD_EXPORTS) $(4) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) -lpthread -ldl
endef
$(eval $(call PRELOAD_LIBRARY,$(BUILD)/obj,$(BUILD)/libquerycache_preload.so,$(RELEASE),$(EXTENSION_LDFLAGS)))
$(BUILD)/preload-client: tests/preload/client.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(WERROR) -g -O1 $(CPPFLAGS) $(LDFLAGS) -o $@ $< -lsqlite3 -lpthread
$(BUILD)/querycache-run: ext/preload/querycache-run
	@mkdir -p $(@D)
	install -m 755 $< $@

# The extension linked into programs: $(1) is the folder below build/, $(2) the flags, $(3) and $(4)
# how to compile and link with an SQLite, $(5) what must be there of that SQLite first.
define TREE
$(BUILD)/$(1)/%.o: %.c $(BUILD)/flags | $(filter %.c,$(5))
	@mkdir -p $$(@D)
	$$(COMPILE) $(2) -DSQLITE_CORE $(3) -c $$< -o $$@
$(BUILD)/$(1)/libquerycache.a: $(EXT_SOURCES:%.c=$(BUILD)/$(1)/%.o) $(BUILD)/sources
	@mkdir -p $$(@D) && rm -f $$@
	ar rcs $$@ $$(filter %.o,$$^)
$(BUILD)/$(1)/libsupport.a: $(SUPPORT_SOURCES:%.c=$(BUILD)/$(1)/%.o) $(BUILD)/sources
	@mkdir -p $$(@D) && rm -f $$@
	ar rcs $$@ $$(filter %.o,$$^)
$(BUILD)/$(1)/test_model: $(BUILD)/$(1)/tests/test_model.o $(MODEL_SOURCES:%.c=$(BUILD)/$(1)/%.o) \
        $(BUILD)/$(1)/libquerycache.a
	$$(CC) $(2) $$(LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) -lpthread -lm
$(patsubst %,$(BUILD)/$(1)/%,$(filter-out test_model,$(PROGRAMS))): $(BUILD)/$(1)/%: $(BUILD)/$(1)/tests/%.o \
        $(BUILD)/$(1)/libsupport.a $(BUILD)/$(1)/libquerycache.a $(filter %.o,$(5))
	$$(CC) $(2) $$(LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) $(4) -lpthread -ldl -lm
$(BUILD)/$(1)/bench/peers.o: $(BUILD)/sources
$(BUILD)/$(1)/bench/peers.o: private CPPFLAGS += $(PEER_FLAGS)
$(BUILD)/$(1)/peers: $(PEER_SOURCES:%.c=$(BUILD)/$(1)/%.o)
$(BUILD)/$(1)/peers: private PEER_LIBS = $(HIREDIS) $(LIBMEMCACHED)
$(patsubst %,$(BUILD)/$(1)/%,$(BENCHES) $(GROWTHS)): $(BUILD)/$(1)/%: $(BUILD)/$(1)/bench/%.o \
        $(BENCH_SUPPORT:%.c=$(BUILD)/$(1)/%.o) $(BUILD)/$(1)/libquerycache.a $(filter %.o,$(5))
	@mkdir -p $$(@D)
	$$(CC) $(2) $$(LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) $(4) $$(PEER_LIBS) -lpthread -ldl -lm
endef
CC_NAME := $(notdir $(lastword $(CC)))
NEWEST  := $(CACHE)/newest/sqlite3
NEWEST_O = $(NEWEST)-$(CC_NAME)
# SQLite reads the wal-index while others write it, and marks that for clang's thread sanitizer only.
TSAN_CC    := $(if $(findstring clang,$(CC)),$(CC),clang)
NEWEST_TSAN = $(NEWEST)-$(notdir $(lastword $(TSAN_CC)))-tsan.o
$(BUILD)/tsan/% $(NEWEST_TSAN): private CC = $(TSAN_CC)
ASAN_SHELL     = $(CACHE)/3.52.0/sqlite3-$(CC_NAME)-asan
ASAN_SHELL_OLD = $(CACHE)/3.31.1/sqlite3-$(CC_NAME)-asan
$(eval $(call TREE,static,$(RELEASE),,-lsqlite3))
$(eval $(call TREE,newest,$(RELEASE),-isystem $(CACHE)/newest,,$(NEWEST).c $(NEWEST_O).o))
$(eval $(call TREE,test-system,$(TEST),,-lsqlite3))
$(eval $(call TREE,test-newest,$(TEST),-isystem $(CACHE)/newest,,$(NEWEST).c $(NEWEST_O).o))
# The same with an SQLite that lacks sqlite3_expired(): hits are lost, in attached files, and no more.
LEAN_TESTS = $(patsubst %,$(BUILD)/test-newest/%-lean,differential test_hazards test_meaning)
$(LEAN_TESTS): $(BUILD)/test-newest/%-lean: $(BUILD)/test-newest/tests/%.o \
        $(BUILD)/test-newest/libsupport.a $(BUILD)/test-newest/libquerycache.a $(NEWEST_O)-lean.o
	$(CC) $(TEST) $(LDFLAGS) -o $@ $^ -lpthread -ldl -lm
$(eval $(call TREE,asan,$(ASAN),-isystem $(CACHE)/newest,,$(NEWEST).c $(NEWEST_O)-asan.o))
$(eval $(call TREE,tsan,$(TSAN),-isystem $(CACHE)/newest,,$(NEWEST).c $(NEWEST_TSAN)))
$(eval $(call TREE,coverage,$(COVER),,-lsqlite3))
$(eval $(call TREE,mutants,$(TEST) -DQUERYCACHE_MUTANTS,,-lsqlite3))
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
# The system's SQLite may not have what this one is about.
PAGES_MUTANT = $(BUILD)/mutants/test_pages-newest
$(PAGES_MUTANT): $(BUILD)/mutants/tests/test_pages.o $(BUILD)/mutants/libsupport.a \
        $(BUILD)/mutants/libquerycache.a $(NEWEST_O).o
	$(CC) $(TEST) $(LDFLAGS) -o $@ $^ -lpthread -ldl -lm

# The shell tests under a given shell and extension: $(1) is the folder below build/.
define SHELL_TREE
$(BUILD)/$(1)/%.t: tests/%.t Makefile
	@mkdir -p $$(@D)
	@printf '#!/bin/sh\nSQLITE3=%s QUERYCACHE=%s exec bash %s\n' '$(2)' '$(3)' $$< > $$@ && chmod +x $$@
endef
$(eval $(call SHELL_TREE,shell-system,$(SQLITE3),$(QUERYCACHE)))
$(eval $(call SHELL_TREE,shell-3.52.0,$(abspath $(CACHE)/3.52.0/sqlite3),$(QUERYCACHE)))
$(eval $(call SHELL_TREE,shell-asan,$(abspath $(ASAN_SHELL)),$(abspath $(BUILD)/asan/querycache)))
$(eval $(call SHELL_TREE,shell-coverage,$(SQLITE3),$(abspath $(BUILD)/coverage/querycache)))

# ---- Other versions of SQLite, with options like Debian's ----------------------------------------

SQLITE_OPTIONS := -DSQLITE_THREADSAFE=1 -DSQLITE_SOUNDEX -DSQLITE_USE_URI \
    -DSQLITE_LIKE_DOESNT_MATCH_BLOBS $(addprefix -DSQLITE_ENABLE_,COLUMN_METADATA \
    DBPAGE_VTAB DBSTAT_VTAB FTS3 FTS3_PARENTHESIS FTS3_TOKENIZER FTS4 FTS5 GEOPOLY JSON1 \
    LOAD_EXTENSION MATH_FUNCTIONS PREUPDATE_HOOK RTREE SESSION STMTVTAB UNLOCK_NOTIFY)
COMPILE_SQLITE   = $(CC) -w -g $(SQLITE_OPTIONS)
$(CACHE)/options: FORCE
	$(call STAMP,$(SQLITE_OPTIONS))

amalgamation: $(NEWEST_O).o $(NEWEST_O)-lean.o $(CACHE)/3.52.0/sqlite3 $(CACHE)/3.31.1/sqlite3 $(if $(PRELOAD),$(CACHE)/3.31.1/libsqlite3.so.0 $(CACHE)/newest/libsqlite3.so.0) ## Fetch (npm) and compile other SQLite versions

$(CACHE)/%/sqlite3.c:
	@tests/sqlite.sh $* $(@D)
$(NEWEST_O).o: $(NEWEST).c $(CACHE)/options
	$(COMPILE_SQLITE) -O2 -c $< -o $@
$(CACHE)/%/libsqlite3.so.0: $(CACHE)/%/sqlite3.c $(CACHE)/options
	$(COMPILE_SQLITE) -O1 -fPIC -shared -Wl,-soname,libsqlite3.so.0 -o $@ $< -lpthread -ldl -lm
# Without the routines that SQLite advises to leave out, as better-sqlite3 does.
$(NEWEST_O)-lean.o: $(NEWEST).c $(CACHE)/options
	$(COMPILE_SQLITE) -DSQLITE_OMIT_DEPRECATED -O2 -c $< -o $@
$(NEWEST_O)-asan.o: $(NEWEST).c $(CACHE)/options
	$(COMPILE_SQLITE) -O1 -fsanitize=address -fno-omit-frame-pointer -c $< -o $@
$(NEWEST_TSAN): $(NEWEST).c $(CACHE)/options
	$(COMPILE_SQLITE) -O1 -fsanitize=thread -fno-omit-frame-pointer -c $< -o $@
$(CACHE)/%/sqlite3: $(CACHE)/%/sqlite3.c $(CACHE)/options
	$(COMPILE_SQLITE) -DSQLITE_OMIT_DEPRECATED -O1 -o $@ $(@D)/shell.c $< -lpthread -ldl -lm
$(CACHE)/%/sqlite3-$(CC_NAME)-asan: $(CACHE)/%/sqlite3.c $(CACHE)/options
	$(COMPILE_SQLITE) -O1 -fsanitize=address -fno-omit-frame-pointer -c $< -o $@-library.o
	$(COMPILE_SQLITE) -O1 -fsanitize=address -fno-omit-frame-pointer -c $(@D)/shell.c -o $@-shell.o
	$(CC) $(SANITIZE) -o $@ $@-library.o $@-shell.o -lpthread -ldl -lm

sources-of-sqlite: $(CACHE)/newest/sqlite3.c $(CACHE)/3.52.0/sqlite3.c $(CACHE)/3.31.1/sqlite3.c
	@:

# Where these cannot be had, their tests are skipped, and say why.
better-sqlite3:
	@tests/clients/better-sqlite3.sh $(CACHE)/better-sqlite3
peer-sources: ## Fetch suites of Python's and SQLite's own (Debian's sources), for test
	@tests/peers/source.sh "$$(basename "$$(readlink -f /usr/bin/python3)")" $(CACHE)/python-suite \
	    '*/Lib/test/test_sqlite3'
	@tests/peers/source.sh sqlite3 $(CACHE)/sqlite-suite '*/test/speedtest1.c' '*/mptest'

# All that is compiled from this repository, for lint.
programs: all $(PROGRAMS:%=$(BUILD)/test-system/%) $(patsubst %,$(BUILD)/static/%,$(BENCHES) $(GROWTHS))

# ---- Running it ----------------------------------------------------------------------------------

demo: all ## Run sql/demo.sql: five dashboard queries over a million rows, plain and cached
	$(SQLITE3) -batch -init /dev/null < sql/demo.sql

CLIENTS      = $(if $(PRELOAD),$(BUILD)/preload-client)
SYSTEM_TESTS = $(PROGRAMS:%=$(BUILD)/test-system/%) $(SHELL_TESTS:tests/%=$(BUILD)/shell-system/%) \
               $(CLIENT_TESTS:tests/%=$(BUILD)/shell-system/%)
# The model has no SQLite in it: once is enough.
OTHER_TESTS  = $(patsubst %,$(BUILD)/test-newest/%,$(filter-out test_model,$(PROGRAMS))) $(SHELL_TESTS:tests/%=$(BUILD)/shell-3.52.0/%) \
               $(BUILD)/shell-3.52.0/clients/shell.t $(LEAN_TESTS)
ASAN_TESTS   = $(PROGRAMS:%=$(BUILD)/asan/%) $(SHELL_TESTS:tests/%=$(BUILD)/shell-asan/%)
COVER_TESTS  = $(PROGRAMS:%=$(BUILD)/coverage/%) $(SHELL_TESTS:tests/%=$(BUILD)/shell-coverage/%)

# The fetching first: where it fails, what it says about that is the last word.
test: ## Run all tests against the system's SQLite and against others (npm fetches them once)
	@$(MAKE) --no-print-directory sources-of-sqlite
	@$(PARALLEL) all static amalgamation better-sqlite3 peer-sources $(CLIENTS) $(SYSTEM_TESTS) $(OTHER_TESTS)
	@$(PROVE) $(SYSTEM_TESTS) $(OTHER_TESTS)

test-system: ## Run all tests against the system's SQLite alone, without a network
	@$(PARALLEL) all static $(CLIENTS) $(SYSTEM_TESTS)
	@$(PROVE) $(SYSTEM_TESTS)

asan: export QUERYCACHE = $(abspath $(BUILD)/asan/querycache)
asan: export SQLITE3 = $(abspath $(ASAN_SHELL))
asan: export SQLITE3_OLD = $(abspath $(ASAN_SHELL_OLD))
asan: export STEPS ?= 3000
asan: export ASAN_OPTIONS ?= detect_stack_use_after_return=1:strict_string_checks=1
asan: export UBSAN_OPTIONS ?= print_stacktrace=1
asan: ## Run all tests under the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory sources-of-sqlite
	@$(PARALLEL) $(BUILD)/asan/querycache.$(SUFFIX) $(ASAN_SHELL) $(ASAN_SHELL_OLD) $(ASAN_TESTS)
	@$(PROVE) $(ASAN_TESTS)

# The programs with threads, of those that are there. After a report they go on, and exit with 66.
THREADED   = $(filter test_store test_policies test_index_shared test_threads test_fork test_flight test_process torture,$(PROGRAMS))
TSAN_TESTS = $(THREADED:%=$(BUILD)/tsan/%)
tsan: export TSAN_OPTIONS ?= suppressions=tests/tsan.supp:second_deadlock_stack=1:die_after_fork=0
tsan: ## Run the tests that have threads under the thread sanitizer of clang
	@$(MAKE) --no-print-directory sources-of-sqlite
	@$(PARALLEL) $(TSAN_TESTS)
	@$(PROVE) $(TSAN_TESTS)

coverage: export QUERYCACHE = $(abspath $(BUILD)/coverage/querycache)
coverage: export STEPS ?= 3000
coverage: ## Print the share of the lines in ext/ that the tests run; build/coverage/ has the rest
	@$(PARALLEL) $(BUILD)/coverage/querycache.$(SUFFIX) $(COVER_TESTS)
	@find $(BUILD) -name '*.gcda' -delete
	@$(PROVE) $(COVER_TESTS); status=$$?; \
	    tests/coverage.sh $(BUILD)/coverage $(BUILD)/obj-coverage && exit $$status

mutants: export STEPS ?= 5000
mutants: ## Take out one guard of exactness at a time; the tests must fail for each
	@$(MAKE) --no-print-directory sources-of-sqlite
	@$(PARALLEL) $(PROGRAMS:%=$(BUILD)/mutants/%) $(PAGES_MUTANT)
	prove --verbose --timer --exec '' tests/mutants.sh

# SQLite has no part in what policies measures: once is enough.
SQL_BENCHES = $(filter-out policies,$(BENCHES))
bench: ## Measure: build and run bench/ against the system's SQLite and the newest
	@$(PARALLEL) all $(BENCHES:%=$(BUILD)/static/%) $(SQL_BENCHES:%=$(BUILD)/newest/%)
	@for bench in $(SQL_BENCHES); do \
	    echo "== $$bench, the system's SQLite" && $(BUILD)/static/$$bench && \
	    echo "== $$bench, the newest SQLite" && $(BUILD)/newest/$$bench || exit 1; done
	@echo "== policies" && $(BUILD)/static/policies

# Which SQLite: static is the system's, newest the newest.
REPORT_WITH ?= static
bench-report: ## Measure how cost grows too, and write build/bench/report.html with tables and pictures
	@$(PARALLEL) all $(patsubst %,$(BUILD)/$(REPORT_WITH)/%,$(BENCHES) $(GROWTHS))
	@bench/report.sh $(BUILD)/$(REPORT_WITH) $(BUILD)/bench $(BENCHES) $(GROWTHS)

include packaging/package.mk tests/suites/suites.mk

# ---- The machine and the source text -------------------------------------------------------------

# npm is large where it comes from the package manager: `make deps demo` does without.
WITHOUT_NPM := all demo install test-system bench-report
deps: ## Install what is missing for building, demo and test (apt, dnf or brew)
	@.ci/deps $(if $(filter-out $(WITHOUT_NPM),$(or $(filter-out deps bench-deps suite-deps,$(MAKECMDGOALS)),test)),test,build)

dev-deps: deps ## Install what is missing for format, lint, asan, tsan and coverage
	@.ci/deps develop

bench-deps: deps ## Install what is missing for all of bench and bench-report (Redis, memcached, gnuplot)
	@.ci/deps bench

package-deps: deps ## Install what is missing for deb and check-package (debhelper, lintian, ...)
	@.ci/deps package

format: ## Lay out the source text with clang-format
	clang-format -i $(C_FILES)

format-check: ## Fail where format would change something
	clang-format --dry-run --Werror $(C_FILES)

lint: ## Compile with gcc and clang, warnings as errors; clang-tidy; cppcheck
	@tests/lint.sh $(filter-out $(LEFT_OUT),$(C_FILES))

clean: ## Remove build/ (the other SQLite versions stay, in .cache/)
	rm -rf $(BUILD)
