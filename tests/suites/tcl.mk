# SQLite's testfixture with its SQLite in a shared library, where programs of Debian have it, and so
# where the cache can be put before it. Read in the folder in which SQLite's source was configured.
include Makefile

WITH = $(TCC) -w -O1 -fPIC -DSQLITE_NO_SYNC=1 $(TEMP_STORE) $(TESTFIXTURE_FLAGS)

libsqlite3.so.0: sqlite3.c
	$(WITH) -shared -Wl,-soname,$@ -o $@ sqlite3.c $(TLIBS)

shared/testfixture: libsqlite3.so.0 $(TESTSRC) $(TOP)/src/tclsqlite.c
	mkdir -p shared
	$(WITH) -o $@ $(TESTSRC) $(TOP)/src/tclsqlite.c libsqlite3.so.0 -Wl,-rpath,$(CURDIR) \
	    $(LIBTCL) $(TLIBS)
