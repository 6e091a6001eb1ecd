## make install          programs, unit, man pages; DESTDIR= and PREFIX=/usr are honoured
PREFIX ?= /usr
.PHONY: install
install: all
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/sbin $(B)/xbeatd
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/libexec/xbeat $(B)/xbeat-exec
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(B)/xbeat
