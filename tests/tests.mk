# The tests: what they are built of, and the goals that run them. Included by the Makefile, whose
# table of variants says with which flags and which SQLite. A new tests/test_*.c, tests/*.t or
# tests/clients/*.t needs no line here, but for one that has threads (THREADED).

# A test that takes longer has failed (where there is a timeout command).
TEST_SECONDS ?= 900
TIMEOUT    = $(if $(shell command -v timeout),timeout $(TEST_SECONDS))

TEST     := -g -O1 -DQUERYCACHE_TEST $(CFLAGS)
SANITIZE := -fsanitize=address,undefined
ASAN     := $(TEST) $(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
TSAN     := $(TEST) -fsanitize=thread -fno-omit-frame-pointer
COVER    := -g -O0 -DQUERYCACHE_TEST --coverage -fprofile-update=atomic
# Without asserts: tests have to find a guard that was taken out.
MUTANTS  := $(TEST) -DQUERYCACHE_MUTANTS -DNDEBUG

include tests/sqlite.mk

# ---- What they are built of ----------------------------------------------------------------------

PROGRAM_SOURCES := $(wildcard tests/differential.c tests/torture.c tests/test_*.c)
# What test_model has instead of SQLite, and so is nothing for the others.
MODEL_SOURCES   := $(wildcard tests/model/*.c)
# What runs under querycache-run, and knows nothing of the cache.
CLIENT_SOURCES  := $(wildcard tests/preload/*.c)
# What has a program and a goal of its own (tests/suites/suites.mk).
SUITE_SOURCES   := $(wildcard tests/suites/*.c)
SUPPORT_SOURCES := $(filter-out $(PROGRAM_SOURCES) $(MODEL_SOURCES) $(CLIENT_SOURCES) \
                     $(SUITE_SOURCES),$(wildcard tests/*.c tests/*/*.c))
SHELL_TESTS     := $(wildcard tests/*.t)
# The applications of docs/clients/. Most have an SQLite of their own, and so run once.
CLIENT_TESTS    := $(wildcard tests/clients/*.t tests/peers/*.t)
PROGRAMS        := $(patsubst tests/%.c,%,$(PROGRAM_SOURCES))

# Part of a variant: $(1) is its folder, $(2) its flags, $(3) what of SQLite to link.
define TESTS
$(BUILD)/$(1)/libsupport.a: $(SUPPORT_SOURCES:%.c=$(BUILD)/$(1)/%.o) $(BUILD)/sources
	@mkdir -p $$(@D) && rm -f $$@
	ar rcs $$@ $$(filter %.o,$$^)
$(BUILD)/$(1)/test_model: $(BUILD)/$(1)/tests/test_model.o $(MODEL_SOURCES:%.c=$(BUILD)/$(1)/%.o) \
        $(BUILD)/$(1)/libquerycache.a
	$$(CC) $(2) $$(LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) -lpthread -lm
$(patsubst %,$(BUILD)/$(1)/%,$(filter-out test_model,$(PROGRAMS))): $(BUILD)/$(1)/%: \
        $(BUILD)/$(1)/tests/%.o $(BUILD)/$(1)/libsupport.a \
        $(BUILD)/$(1)/libquerycache.a $(filter %.o,$(3))
	$$(CC) $(2) $$(LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) $(filter -l%,$(3)) -lpthread -ldl -lm
endef
$(eval $(call LOADABLE,obj-asan,asan/querycache,$(ASAN)))
$(eval $(call LOADABLE,obj-coverage,coverage/querycache,$(COVER)))

# Programs of other objects than their variant's. With an SQLite that lacks sqlite3_expired() hits
# are lost, in attached files, and no more; the system's SQLite may have no sqlite_dbpage.
LEAN_TESTS = $(patsubst %,$(BUILD)/test-newest/%-lean,differential test_hazards test_meaning)
$(LEAN_TESTS): $(BUILD)/test-newest/%-lean: $(BUILD)/test-newest/tests/%.o \
        $(BUILD)/test-newest/libsupport.a $(BUILD)/test-newest/libquerycache.a $(NEWEST_O)-lean.o
	$(CC) $(TEST) $(LDFLAGS) -o $@ $^ -lpthread -ldl -lm
PAGES_MUTANT = $(BUILD)/mutants/test_pages-newest
$(PAGES_MUTANT): $(BUILD)/mutants/tests/test_pages.o $(BUILD)/mutants/libsupport.a \
        $(BUILD)/mutants/libquerycache.a $(NEWEST_O).o
	$(CC) $(MUTANTS) $(LDFLAGS) -o $@ $^ -lpthread -ldl -lm

$(BUILD)/preload-client: tests/preload/client.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(WERROR) -g -O1 $(CPPFLAGS) $(LDFLAGS) -o $@ \
	    $< -lsqlite3 -lpthread
CLIENTS = $(if $(PRELOAD),$(BUILD)/preload-client)

# The shell tests under a given shell and extension: $(1) is the folder below build/.
define SHELL_TREE
$(BUILD)/$(1)/%.t: tests/%.t tests/tests.mk
	@mkdir -p $$(@D)
	@printf '#!/bin/sh\nSQLITE3=%s QUERYCACHE=%s exec bash %s\n' '$(2)' '$(3)' $$< \
	    > $$@ && chmod +x $$@
endef
$(eval $(call SHELL_TREE,shell-system,$(SQLITE3),$(QUERYCACHE)))
$(eval $(call SHELL_TREE,shell-3.52.0,$(abspath $(CACHE)/3.52.0/sqlite3),$(QUERYCACHE)))
$(eval $(call SHELL_TREE,shell-asan,$(abspath $(ASAN_SHELL)),$(abspath $(BUILD)/asan/querycache)))
$(eval $(call SHELL_TREE,shell-coverage,$(SQLITE3),$(abspath $(BUILD)/coverage/querycache)))

# ---- Running them --------------------------------------------------------------------------------

# The tests find what they drive in the environment.
export CC BUILD CACHE SQLITE3 JOBS QUERYCACHE_DATA
export QUERYCACHE  ?= $(abspath $(BUILD)/querycache)
export SQLITE3_OLD ?= $(abspath $(CACHE)/3.31.1/sqlite3)
PROVE = prove --timer --jobs $(JOBS) --exec '$(TIMEOUT)'

SYSTEM_TESTS = $(PROGRAMS:%=$(BUILD)/test-system/%) $(SHELL_TESTS:tests/%=$(BUILD)/shell-system/%) \
               $(CLIENT_TESTS:tests/%=$(BUILD)/shell-system/%)
# The model has no SQLite in it: once is enough.
OTHER_TESTS  = $(patsubst %,$(BUILD)/test-newest/%,$(filter-out test_model,$(PROGRAMS))) \
               $(SHELL_TESTS:tests/%=$(BUILD)/shell-3.52.0/%) \
               $(BUILD)/shell-3.52.0/clients/shell.t $(LEAN_TESTS)
ASAN_TESTS   = $(PROGRAMS:%=$(BUILD)/asan/%) $(SHELL_TESTS:tests/%=$(BUILD)/shell-asan/%)
COVER_TESTS  = $(PROGRAMS:%=$(BUILD)/coverage/%) $(SHELL_TESTS:tests/%=$(BUILD)/shell-coverage/%)
# The programs with threads.
THREADED     = test_store test_policies test_index_shared test_threads test_fork test_flight \
               test_process test_places torture
TSAN_TESTS   = $(THREADED:%=$(BUILD)/tsan/%)

.PHONY: test test-system asan tsan coverage mutants better-sqlite3 peer-sources programs format \
        format-check lint

# The fetching first: where it fails, what it says about that is the last word.
test: ## Run all tests against the system's SQLite and against others (npm fetches them once)
	@$(MAKE) --no-print-directory sources-of-sqlite
	@$(PARALLEL) all static amalgamation better-sqlite3 peer-sources $(CLIENTS) $(SYSTEM_TESTS) \
	    $(OTHER_TESTS)
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

# After a report the programs go on, and exit with 66.
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

# Where these cannot be had, their tests are skipped, and say why.
better-sqlite3:
	@tests/clients/better-sqlite3.sh $(CACHE)/better-sqlite3
peer-sources: ## Fetch suites of Python's and SQLite's own (Debian's sources), for test
	@tests/peers/source.sh "$$(basename "$$(readlink -f /usr/bin/python3)")" $(CACHE)/python-suite \
	    '*/Lib/test/test_sqlite3'
	@tests/peers/source.sh sqlite3 $(CACHE)/sqlite-suite '*/test/speedtest1.c' '*/mptest'

include tests/suites/suites.mk

# ---- The source text -----------------------------------------------------------------------------

C_FILES = $(shell find ext include tests bench docs -name '*.c' -o -name '*.h' | sort)

# All that is compiled from this repository, for lint.
programs: all $(PROGRAMS:%=$(BUILD)/test-system/%) \
          $(patsubst %,$(BUILD)/static/%,$(BENCHES) $(GROWTHS))

format: ## Lay out the source text with clang-format
	clang-format -i $(C_FILES)

format-check: ## Fail where format would change something
	clang-format --dry-run --Werror $(C_FILES)

lint: ## Compile with gcc and clang, warnings as errors; clang-tidy; cppcheck
	@tests/lint.sh $(filter-out $(LEFT_OUT),$(C_FILES))
