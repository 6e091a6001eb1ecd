## make install          programs, unit, man pages; DESTDIR= and PREFIX=/usr are honoured
## make man              the manual pages as man(1) wants them, in build/man/
PREFIX ?= /usr
# docs/man/NAME.SECTION.md
man_pages := $(patsubst docs/man/%.md,$(B)/man/%,$(wildcard docs/man/*.md))
$(B)/man/%: docs/man/%.md scripts/make_man
	@mkdir -p $(@D)
	$(Q)scripts/make_man $< $@
.PHONY: install man
man: $(man_pages)
install: all man
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/sbin $(B)/xbeatd $(B)/xbeat-witness
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/libexec/xbeat $(B)/xbeat-exec
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(B)/xbeat
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/share/xbeat/alerts user/alert/webhook
	install -D -m 644 -t $(DESTDIR)/lib/systemd/system user/daemon/xbeatd.service user/witness/xbeat-witness.service
	install -d -m 700 $(DESTDIR)/etc/xbeat/keys
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/xbeat $(wildcard docs/man/*.md) docs/control-protocol.md docs/journal.md
	for page in $(man_pages); do \
	    install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} $$page || exit; \
	done
	install -D -m 644 user/completion/xbeat.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/xbeat
	install -D -m 644 user/completion/_xbeat $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_xbeat
	install -D -m 644 user/completion/xbeat.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/xbeat.fish
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/xbeat docs/examples/xbeat-alerts.yml docs/examples/xbeat-dashboard.json
