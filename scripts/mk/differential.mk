## make differential     random clusters, planned by ours and by crm_simulate; SEEDS=n a feature, FEATURES=plain,group,...
## make bench-schedule   the scheduler's processor time next to crm_simulate's; CORPUS=DIR adds its largest cases, JSON=FILE
SEEDS ?= 20
FEATURES ?=
.PHONY: differential bench-schedule
differential: $(B)/xbeat
	$(Q)tests/differential/differ.py --xbeat $(abspath $(B))/xbeat --seeds $(SEEDS) $(if $(FEATURES),--features $(FEATURES)) \
	    --out $(B)/differential
bench-schedule: $(B)/xbeat
	$(Q)tests/perf/schedule_bench.py --xbeat $(abspath $(B))/xbeat $(if $(CORPUS),--corpus $(CORPUS)) $(if $(JSON),--json $(JSON))
