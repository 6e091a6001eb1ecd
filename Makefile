# xbeat: the one entry point. `make help` lists the targets; fragments are in scripts/mk/.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := all
# As many jobs as processors, unless somebody said how many.
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif

include scripts/mk/config.mk
include scripts/mk/bpf.mk
include scripts/mk/build.mk
include scripts/mk/test.mk
include scripts/mk/sim.mk
include scripts/mk/perf.mk
include scripts/mk/lab.mk
include scripts/mk/fuzz.mk
include scripts/mk/differential.mk
include scripts/mk/lint.mk
include scripts/mk/install.mk

.PHONY: help clean
help:
	@sed -n 's/^## //p' scripts/mk/*.mk

clean:
	rm -rf $(B)
