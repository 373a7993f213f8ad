# Suites of others, plain and cached. They take an hour, so that they are run by hand, and what came
# of it is in docs/measuring.md.

# Which: one script each in tests/suites/. What else can be set is at the top of each.
SUITES ?= django sqlalchemy peewee tcl slt fuzz

$(BUILD)/asan/fuzz: $(BUILD)/asan/tests/suites/fuzz.o $(BUILD)/asan/libsupport.a \
        $(BUILD)/asan/libquerycache.a $(NEWEST_O)-asan.o
	$(CC) $(ASAN) $(LDFLAGS) -o $@ $^ -lpthread -ldl -lm

suites: ## Run the suites of Django, SQLAlchemy, peewee, SQLite, … (SLT=folder), plain and cached
	@$(MAKE) --no-print-directory sources-of-sqlite
	@$(PARALLEL) all $(if $(filter fuzz,$(SUITES)),$(BUILD)/asan/fuzz)
	@prove --verbose --timer --exec bash $(SUITES:%=tests/suites/%.sh)

suite-deps: deps ## Install what is missing for suites (Debian)
	@.ci/deps suites
