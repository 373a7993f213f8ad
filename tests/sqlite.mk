# The versions of SQLite that tests and benchmarks are linked with, and shells of other versions.
# All but the system's are fetched by npm and compiled once, with options like Debian's.

CC_NAME := $(notdir $(lastword $(CC)))
NEWEST  := $(CACHE)/newest/sqlite3
NEWEST_O = $(NEWEST)-$(CC_NAME)
ASAN_SHELL     = $(CACHE)/3.52.0/sqlite3-$(CC_NAME)-asan
ASAN_SHELL_OLD = $(CACHE)/3.31.1/sqlite3-$(CC_NAME)-asan
# SQLite reads the wal-index while others write it, and marks that for clang's thread sanitizer
# only.
TSAN_CC     := $(if $(findstring clang,$(CC)),$(CC),clang)
NEWEST_TSAN  = $(NEWEST)-$(notdir $(lastword $(TSAN_CC)))-tsan.o
$(BUILD)/tsan/% $(NEWEST_TSAN): private CC = $(TSAN_CC)

# For the table of variants: how to compile with an SQLite, what to link, what source must be there.
system_COMPILE :=
system_LINK    := -lsqlite3
system_SOURCE  :=
newest_COMPILE := -isystem $(CACHE)/newest
newest_LINK     = $(NEWEST_O).o
newest_SOURCE  := $(NEWEST).c
asan_COMPILE   := $(newest_COMPILE)
asan_LINK       = $(NEWEST_O)-asan.o
asan_SOURCE    := $(newest_SOURCE)
tsan_COMPILE   := $(newest_COMPILE)
tsan_LINK       = $(NEWEST_TSAN)
tsan_SOURCE    := $(newest_SOURCE)

SQLITE_OPTIONS := -DSQLITE_THREADSAFE=1 -DSQLITE_SOUNDEX -DSQLITE_USE_URI \
    -DSQLITE_LIKE_DOESNT_MATCH_BLOBS $(addprefix -DSQLITE_ENABLE_,COLUMN_METADATA \
    DBPAGE_VTAB DBSTAT_VTAB FTS3 FTS3_PARENTHESIS FTS3_TOKENIZER FTS4 FTS5 GEOPOLY JSON1 \
    LOAD_EXTENSION MATH_FUNCTIONS PREUPDATE_HOOK RTREE SESSION STMTVTAB UNLOCK_NOTIFY)
COMPILE_SQLITE   = $(CC) -w -g $(SQLITE_OPTIONS)
$(CACHE)/options: FORCE
	$(call STAMP,$(SQLITE_OPTIONS))

.PHONY: amalgamation sources-of-sqlite

SHARED_SQLITE = $(patsubst %,$(CACHE)/%/libsqlite3.so.0,3.31.1 newest)
amalgamation: $(NEWEST_O).o $(NEWEST_O)-lean.o $(CACHE)/3.52.0/sqlite3 $(CACHE)/3.31.1/sqlite3
amalgamation: $(if $(PRELOAD),$(SHARED_SQLITE)) ## Fetch (npm) and compile other SQLite versions

sources-of-sqlite: $(CACHE)/newest/sqlite3.c $(CACHE)/3.52.0/sqlite3.c $(CACHE)/3.31.1/sqlite3.c
	@:

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
