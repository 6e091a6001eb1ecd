## make differential     random clusters, planned by ours and by crm_simulate; SEEDS=n a feature, FEATURES=plain,group,...
## make differential-tables   whole tables of small clusters: states of nodes, failures, migrations, ...; TABLES=nodes,...
## make walks            clusters with everything in a CIB that live: planned by both, carried out, changed; SEEDS=n, FEATURES=tags,bundles,...
## make mutate           the cases of CORPUS=DIR, each changed a little ROUNDS=n times, planned by ours and by crm_simulate
## make displays         what the status says of the cases of CORPUS=DIR, next to the installed crm_mon's XML
## make bench-schedule   the scheduler's processor time next to crm_simulate's; CORPUS=DIR adds its largest cases, JSON=FILE
## make identical        the same plans from g++ and clang++, -O0 and -O2, bit by bit; CORPUS=DIR adds its cases
SEEDS ?= 20
FEATURES ?=
ROUNDS ?= 2
.PHONY: differential differential-tables walks mutate displays bench-schedule
differential: $(B)/xbeat
	$(Q)tests/differential/differ.py --xbeat $(abspath $(B))/xbeat --seeds $(SEEDS) $(if $(FEATURES),--features $(FEATURES)) \
	    --out $(B)/differential
differential-tables: $(B)/xbeat
	$(Q)tests/differential/tables.py --xbeat $(abspath $(B))/xbeat $(if $(TABLES),--tables $(TABLES))
walks: $(B)/xbeat
	$(Q)tests/differential/walks.py --xbeat $(abspath $(B))/xbeat --seeds $(SEEDS) $(if $(FEATURES),--features $(FEATURES)) \
	    --out $(B)/walks
mutate: $(B)/xbeat
	$(Q)tests/differential/mutate.py --xbeat $(abspath $(B))/xbeat --cases $(CORPUS)/cases --rounds $(ROUNDS) --shrink \
	    --out $(B)/mutated
displays: $(B)/xbeat
	$(Q)tests/differential/displays.py --xbeat $(abspath $(B))/xbeat --cases $(CORPUS)/cases
bench-schedule: $(B)/xbeat
	$(Q)tests/perf/schedule_bench.py --xbeat $(abspath $(B))/xbeat $(if $(CORPUS),--corpus $(CORPUS)) $(if $(JSON),--json $(JSON))

# Only what a plan is made of, in a build folder of its own for each compiler and level.
plan_objects := $(call to_object,\
    $(filter $(addprefix manager/,core/% model/% rules/% cib/xml.cc cib/utf8.cc schedule/%),$(manager_sources)))
$(B)/obj/tests/identical/plans.o: tests/identical/plans.cc
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX   $<")
	$(Q)$(CCACHE) $(CXX) $(common_flags) -I manager -c $< -o $@
$(B)/tests/plans: $(B)/obj/tests/identical/plans.o $(plan_objects)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK  $@")
	$(Q)$(CXX) $(link_flags) $^ -lpugixml -o $@

builds := g++-O0 g++-O2 clang++-O0 clang++-O2
plan_inputs = tests/golden/schedule $(if $(CORPUS),$(CORPUS)/cases/xml)
.PHONY: identical
identical:
	$(Q)for build in $(builds); do \
	    folder=$(B)/identical/$$build; \
	    $(MAKE) B=$$folder CXX=$${build%-*} OPT=-$${build##*-} $$folder/tests/plans || exit 1; \
	    $$folder/tests/plans $(plan_inputs) >$$folder/plans.txt || exit 1; \
	    cmp $(B)/identical/$(firstword $(builds))/plans.txt $$folder/plans.txt || exit 1; \
	done
	@echo "$$(wc -l <$(B)/identical/$(firstword $(builds))/plans.txt) plans, the same from $(builds)"
