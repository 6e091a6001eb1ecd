## make differential     random clusters, planned by ours and by crm_simulate; SEEDS=n a feature, FEATURES=plain,group,...
## make mutate           the cases of CORPUS=DIR, each changed a little ROUNDS=n times, planned by ours and by crm_simulate
## make bench-schedule   the scheduler's processor time next to crm_simulate's; CORPUS=DIR adds its largest cases, JSON=FILE
SEEDS ?= 20
FEATURES ?=
ROUNDS ?= 2
.PHONY: differential mutate bench-schedule
differential: $(B)/xbeat
	$(Q)tests/differential/differ.py --xbeat $(abspath $(B))/xbeat --seeds $(SEEDS) $(if $(FEATURES),--features $(FEATURES)) \
	    --out $(B)/differential
mutate: $(B)/xbeat
	$(Q)tests/differential/mutate.py --xbeat $(abspath $(B))/xbeat --cases $(CORPUS)/cases --rounds $(ROUNDS) \
	    --out $(B)/mutated
bench-schedule: $(B)/xbeat
	$(Q)tests/perf/schedule_bench.py --xbeat $(abspath $(B))/xbeat $(if $(CORPUS),--corpus $(CORPUS)) $(if $(JSON),--json $(JSON))
