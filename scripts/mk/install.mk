## make install          programs, unit, man pages; DESTDIR= and PREFIX=/usr are honoured
PREFIX ?= /usr
.PHONY: install
install: all
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/sbin $(B)/xbeatd $(B)/xbeat-witness
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/libexec/xbeat $(B)/xbeat-exec
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(B)/xbeat
	install -D -m 644 -t $(DESTDIR)/lib/systemd/system user/daemon/xbeatd.service user/witness/xbeat-witness.service
	install -d -m 700 $(DESTDIR)/etc/xbeat/keys
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/xbeat $(wildcard docs/man/*.md) docs/control-protocol.md
