# What leaves the repository: installed files, the source archive, the Debian packages, the npm
# package. Included by the Makefile, which knows how the library is built.

BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
# lib/ is for libraries that programs link with. querycache-run looks here.
PRELOADDIR = $(PREFIX)/lib/querycache
MAN_PAGES := querycache.7 $(if $(PRELOAD),querycache-run.1)
DIST       = $(BUILD)/dist/querycache-$(VERSION).tar.gz

# Writes a text with what depends on version and place filled in.
FILL_IN = sed -e 's|@VERSION@|$(VERSION)|' -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
              -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@SUFFIX@|$(SUFFIX)|' \
              -e 's|@PRELOADDIR@|$(PRELOADDIR)|'

.PHONY: version man install uninstall dist distcheck deb npm check-package

version: ## Print the version, which include/querycache.h alone says
	@echo $(VERSION)

man: $(MAN_PAGES:%=$(BUILD)/man/%) ## Build the man pages, in build/man

# docs/reference.md is the page's middle. Made each time, as PREFIX may be another; in one step, as
# several may be at it.
$(BUILD)/man/%: docs/man/% docs/man/markdown.awk docs/reference.md FORCE
	@mkdir -p $(@D) && page=$@.$$$$ && \
	awk -v sections='Reference,What is refused,Limits' -f docs/man/markdown.awk docs/reference.md \
	    > $$page.reference && \
	$(FILL_IN) -e "s|@DATE@|$$(date -u -r docs/reference.md +%Y-%m-%d)|" \
	    -e "/^@REFERENCE@$$/r $$page.reference" -e '/^@REFERENCE@$$/d' $< > $$page && \
	rm $$page.reference && mv $$page $@

# What install puts where, and uninstall removes.
INSTALLED = $(LIBDIR)/sqlite3/querycache.$(SUFFIX) $(LIBDIR)/libquerycache.a \
            $(INCLUDEDIR)/querycache.h $(LIBDIR)/pkgconfig/querycache.pc \
            $(MANDIR)/man7/querycache.7 $(if $(PRELOAD),$(PRELOADDIR)/libquerycache_preload.so \
            $(BINDIR)/querycache-run $(MANDIR)/man1/querycache-run.1)

install: all static man ## Install extension, library, header, pkg-config file and man pages
	install -d $(addprefix $(DESTDIR),$(sort $(dir $(INSTALLED))))
	install -m 755 $(BUILD)/querycache.$(SUFFIX) $(DESTDIR)$(LIBDIR)/sqlite3/
	install -m 644 $(BUILD)/static/libquerycache.a $(DESTDIR)$(LIBDIR)/
	install -m 644 include/querycache.h $(DESTDIR)$(INCLUDEDIR)/
	$(FILL_IN) packaging/querycache.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/querycache.pc
	install -m 644 $(BUILD)/man/querycache.7 $(DESTDIR)$(MANDIR)/man7/
ifneq ($(PRELOAD),)
	install -m 755 $(BUILD)/libquerycache_preload.so $(DESTDIR)$(PRELOADDIR)/
	install -m 755 $(BUILD)/querycache-run $(DESTDIR)$(BINDIR)/
	install -m 644 $(BUILD)/man/querycache-run.1 $(DESTDIR)$(MANDIR)/man1/
endif

uninstall: ## Remove what install put there
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	@rmdir $(DESTDIR)$(PRELOADDIR) 2>/dev/null || true

dist: ## Write a source archive that builds elsewhere: build/dist/querycache-VERSION.tar.gz
	@packaging/dist.sh $(DIST)
	@echo $(DIST)

# The environment says where this tree's library is; the other tree has its own.
ELSEWHERE = env -u BUILD -u QUERYCACHE -u SQLITE3_OLD -u CC -u MAKEFLAGS -u MAKEOVERRIDES -u MFLAGS

distcheck: dist ## Build and test the source archive unpacked in a temporary folder
	@folder=$$(mktemp -d) && trap "rm -rf $$folder" EXIT && tar -C $$folder -xzf $(DIST) && \
	    $(ELSEWHERE) $(MAKE) -C $$folder/querycache-$(VERSION) test-system

deb: dist ## Build the Debian packages from the source archive, in build/deb
	@$(ELSEWHERE) packaging/deb.sh $(DIST) $(BUILD)/deb

npm: all ## Build the npm package for this platform, in build/npm
	@CC='$(CC) $(CPPFLAGS)' packaging/npm.sh $(VERSION) $(BUILD)/querycache.$(SUFFIX) $(BUILD)/npm

check-package: ## Check the packages with what their systems have: lintian, mandoc, a new Debian
	@prove --timer --exec '' tests/debian.sh
