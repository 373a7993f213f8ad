# querycache: `make help` lists the goals. This file builds and installs; tests/tests.mk tests,
# bench/bench.mk measures, packaging/package.mk makes packages. Sources are found by their place:
# ext/ is the extension, tests/ the tests, bench/ the benchmarks.

# ---- What can be set on the command line ---------------------------------------------------------

CC        ?= cc
PREFIX    ?= /usr/local
BUILD     ?= build
# Other versions of SQLite are compiled once, and stay there when build/ goes.
CACHE     ?= .cache/sqlite
SQLITE3   ?= sqlite3
JOBS      ?= $(shell getconf _NPROCESSORS_ONLN)
WARNINGS  ?= -Wall -Wextra -Wpedantic -Wshadow -Wconversion
# WERROR=-Werror makes warnings errors, as lint does.
WERROR    ?=

VERSION    = $(shell awk '/define QUERYCACHE_VERSION_(MAJOR|MINOR|PATCH) /{ v = v s $$3; s = "." } \
                          END { print v }' include/querycache.h)
LIBDIR     = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include

OS        := $(shell uname -s)
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

COMPILE   = $(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(WERROR) -fvisibility=hidden -fPIC \
            -MMD -MP -Iinclude -Iext $(CPPFLAGS)
# A hit goes through many small files; linked as one it is quicker by a tenth. gcc's objects hold
# both forms, so that libquerycache.a links anywhere.
LTO      := $(if $(shell $(CC) -dM -E - < /dev/null | grep __clang__),,-flto=auto -ffat-lto-objects)
RELEASE  := -O2 -DNDEBUG $(LTO) $(CFLAGS)

# Goals that install or remove come first, one after the other, whatever -j says.
ifneq ($(filter deps %-deps clean,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif
# For goals that build much: a job for each core, unless -j was given. V=1 shows the commands.
PARALLEL = +$(MAKE) --no-print-directory $(if $(V),,-s) \
           $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

.PHONY: all help static demo deps dev-deps bench-deps package-deps clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

# ---- What is built -------------------------------------------------------------------------------

PRELOAD_SOURCES := $(wildcard ext/preload/*.c)
EXT_SOURCES     := $(filter-out $(PRELOAD_SOURCES),$(wildcard ext/*.c ext/*/*.c ext/*/*/*.c))
# What goes before a program's own SQLite: Linux has the means.
PRELOAD := $(if $(filter Linux,$(OS)),$(BUILD)/libquerycache_preload.so $(BUILD)/querycache-run)

all: $(BUILD)/querycache.$(SUFFIX) $(PRELOAD) ## Build build/querycache and querycache-run

static: $(BUILD)/static/libquerycache.a ## Build build/static/libquerycache.a, to link with SQLite

demo: all ## Run sql/demo.sql: five dashboard queries over a million rows, plain and cached
	$(SQLITE3) -batch -init /dev/null < sql/demo.sql

# A stamp changes when its text does; what depends on it is then made anew.
STAMP = @mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' > $@
FORCE:
$(BUILD)/flags: FORCE
	$(call STAMP,$(COMPILE) $(RELEASE) $(LDFLAGS))
$(BUILD)/sources: FORCE
	$(call STAMP,$(EXT_SOURCES) $(SUPPORT_SOURCES) $(MODEL_SOURCES) $(PEER_SOURCES))

# To be loaded: $(1) is the folder of objects, $(2) the library without its suffix, $(3) the flags,
# $(4) those of the linker.
define LOADABLE
$(BUILD)/$(1)/%.o: %.c $(BUILD)/flags
	@mkdir -p $$(@D)
	$$(COMPILE) $(3) -c $$< -o $$@
$(BUILD)/$(2).$(SUFFIX): $(EXT_SOURCES:%.c=$(BUILD)/$(1)/%.o) $(BUILD)/sources
	@mkdir -p $$(@D)
	$$(CC) -shared $(3) $(4) $(OWN_SYMBOLS) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) -lpthread
endef
$(eval $(call LOADABLE,obj,querycache,$(RELEASE),$(EXTENSION_LDFLAGS)))

# To go before a program's SQLite: the library exports nothing but what it interposes.
$(BUILD)/libquerycache_preload.so: $(PRELOAD_SOURCES:%.c=$(BUILD)/obj/%.o) \
        $(EXT_SOURCES:%.c=$(BUILD)/obj/%.o) ext/preload/exports $(BUILD)/sources
	$(CC) -shared $(RELEASE) -Wl,--version-script=ext/preload/exports $(EXTENSION_LDFLAGS) $(LDFLAGS) \
	    -o $@ $(filter %.o,$^) -lpthread -ldl
$(BUILD)/querycache-run: ext/preload/querycache-run
	@mkdir -p $(@D)
	install -m 755 $< $@

# To be linked: $(1) is the folder below build/, $(2) the flags, $(3) how to compile with an SQLite,
# $(4) the source that must be there first.
define LINKABLE
$(BUILD)/$(1)/%.o: %.c $(BUILD)/flags | $(4)
	@mkdir -p $$(@D)
	$$(COMPILE) $(2) -DSQLITE_CORE $(3) -c $$< -o $$@
$(BUILD)/$(1)/libquerycache.a: $(EXT_SOURCES:%.c=$(BUILD)/$(1)/%.o) $(BUILD)/sources
	@mkdir -p $$(@D) && rm -f $$@
	ar rcs $$@ $$(filter %.o,$$^)
endef

include bench/bench.mk tests/tests.mk packaging/package.mk

# A line for each build variant, FOLDER:FLAGS:SQLITE. It has the library, all tests and benchmarks,
# as LINKABLE, TESTS and BENCHMARKS have it; tests/sqlite.mk says what is what SQLite.
VARIANTS := static:RELEASE:system      newest:RELEASE:newest \
            test-system:TEST:system    test-newest:TEST:newest \
            asan:ASAN:asan             tsan:TSAN:tsan \
            coverage:COVER:system      mutants:MUTANTS:system \
            hit-path:PASSED:system
# $(call VARIANT,FOLDER,FLAGS,SQLITE)
define VARIANT
$(call LINKABLE,$(1),$($(2)),$($(3)_COMPILE),$($(3)_SOURCE))
$(call TESTS,$(1),$($(2)),$($(3)_LINK))
$(call BENCHMARKS,$(1),$($(2)),$($(3)_LINK))
endef
$(foreach row,$(VARIANTS),$(eval $(call VARIANT,$(word 1,$(subst :, ,$(row))),$(word \
    2,$(subst :, ,$(row))),$(word 3,$(subst :, ,$(row))))))
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# ---- Help, and the machine -----------------------------------------------------------------------

help: ## Show this list
	@echo 'make GOAL ...'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(filter %Makefile %.mk,$(MAKEFILE_LIST)) | \
	    awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'
	@echo 'PREFIX=$(PREFIX) gets lib/sqlite3/querycache.$(SUFFIX) (to .load), lib/libquerycache.a (to'
	@echo 'link), include/querycache.h, lib/pkgconfig/querycache.pc, bin/querycache-run, share/man.'
	@echo 'DESTDIR is put in front. STEPS= and SEED= set the differential test, CC= the compiler,'
	@echo 'BUILD= another folder than build. V=1 shows the commands of goals that build much, too.'

# npm is large where it comes from the package manager: `make deps demo` does without.
WITHOUT_NPM := all demo install test-system bench-report
deps: ## Install what is missing for building, demo and test (apt, dnf or brew)
	@.ci/deps $(if $(filter-out $(WITHOUT_NPM),$(or $(filter-out deps bench-deps suite-deps, \
	    $(MAKECMDGOALS)),test)),test,build)

dev-deps: deps ## Install what is missing for format, lint, asan, tsan and coverage
	@.ci/deps develop

bench-deps: deps ## Install what is missing for all of bench and bench-report
	@.ci/deps bench

package-deps: deps ## Install what is missing for deb and check-package (debhelper, lintian, ...)
	@.ci/deps package

clean: ## Remove build/ (the other SQLite versions stay, in .cache/)
	rm -rf $(BUILD)
