# The benchmarks: what they are built of, and the goals that run them. Included by the Makefile. A
# new bench/*.c needs no line here.

BENCH_SOURCES   := $(wildcard bench/*.c)
BENCH_SUPPORT   := $(wildcard bench/support/*.c bench/policies/*.c)
# What `make bench-report` draws: how cost grows.
GROWTH_SOURCES  := $(wildcard bench/growth/*.c)
BENCHES         := $(BENCH_SOURCES:bench/%.c=%)
GROWTHS         := $(GROWTH_SOURCES:bench/%.c=%)
# What bench/peers.c compares with. Two of them want a library that need not be there.
HIREDIS         := $(shell pkg-config --libs hiredis 2>/dev/null)
LIBMEMCACHED    := $(shell pkg-config --libs libmemcached 2>/dev/null)
LEFT_OUT        := $(if $(HIREDIS),,bench/peers/redis.c) \
                   $(if $(LIBMEMCACHED),,bench/peers/memcached.c)
PEER_SOURCES    := $(filter-out $(LEFT_OUT),$(wildcard bench/peers/*.c))
PEER_FLAGS      := $(if $(HIREDIS),-DHAVE_HIREDIS) $(if $(LIBMEMCACHED),-DHAVE_LIBMEMCACHED)

# What a release calls, counted (bench/hit_path.sh).
PASSED          := -O0 -DNDEBUG --coverage -fprofile-update=atomic

# Part of a variant: $(1) is its folder, $(2) its flags, $(3) what of SQLite to link.
define BENCHMARKS
$(BUILD)/$(1)/bench/peers.o: $(BUILD)/sources
$(BUILD)/$(1)/bench/peers.o: private CPPFLAGS += $(PEER_FLAGS)
$(BUILD)/$(1)/peers: $(PEER_SOURCES:%.c=$(BUILD)/$(1)/%.o)
$(BUILD)/$(1)/peers: private PEER_LIBS = $(HIREDIS) $(LIBMEMCACHED)
$(patsubst %,$(BUILD)/$(1)/%,$(BENCHES) $(GROWTHS)): $(BUILD)/$(1)/%: $(BUILD)/$(1)/bench/%.o \
        $(BENCH_SUPPORT:%.c=$(BUILD)/$(1)/%.o) $(BUILD)/$(1)/libquerycache.a $(filter %.o,$(3))
	@mkdir -p $$(@D)
	$$(CC) $(2) $$(LDFLAGS) -o $$@ $$(filter %.o %.a,$$^) $(filter -l%,$(3)) $$(PEER_LIBS) \
	    -lpthread -ldl -lm
endef

.PHONY: bench bench-report hit-path

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
bench-report: ## Measure how cost grows too; build/bench/report.html has tables, pictures
	@$(PARALLEL) all $(patsubst %,$(BUILD)/$(REPORT_WITH)/%,$(BENCHES) $(GROWTHS))
	@bench/report.sh $(BUILD)/$(REPORT_WITH) $(BUILD)/bench $(BENCHES) $(GROWTHS)

hit-path: ## Print the functions of ext/ that a hit passes, and count its instructions
	@$(PARALLEL) $(BUILD)/hit-path/hits $(BUILD)/static/hits
	@bench/hit_path.sh $(BUILD)/hit-path $(BUILD)/static
