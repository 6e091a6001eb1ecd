## make sim              60 CPU seconds of simulated pairs: seeds that once failed, stories, then new ones
## make sim-long         an hour of it; SIM_SEED=n to begin elsewhere, SIM_SECONDS=n, SIM_KIND=fence, lease, ...
## make sim-partitions   SIM_RUNS short runs with cut networks and every arbiter (1000000)
# The simulator is a program of its own, optimised: a run is worth as much as the time it covers.
sim_sources := $(filter-out %_test.cc,$(shell find tests/sim -name '*.cc' 2>/dev/null | LC_ALL=C sort))
sim_objects := $(patsubst tests/sim/%.cc,$(B)/obj/sim/%.o,$(sim_sources))
sim_flags := $(common_flags) -I . -I manager -I bpf
SIM_SEED ?= 1
SIM_SECONDS ?= 3600
SIM_KIND ?= mixed
SIM_RUNS ?= 1000000

$(B)/obj/sim/%.o: tests/sim/%.cc
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX   $<")
	$(Q)$(CCACHE) $(CXX) $(sim_flags) -c $< -o $@

$(B)/xbeat-sim: $(sim_objects) $(B)/libmanager.a
	$(if $(V),,@echo "  LINK  $@")
	$(Q)$(CXX) $(link_flags) $^ -lpugixml -o $@

# Stories with a witness are told in the simulator's world.
$(B)/libsim.a: $(filter-out %/main.o,$(sim_objects))
	$(Q)rm -f $@ && ar rcs $@ $^

.PHONY: sim-long sim-partitions
sim: $(B)/xbeat-sim
	$(Q)$(B)/xbeat-sim regress --file tests/sim/seeds/regress
	$(Q)$(B)/xbeat-sim batch --seeds 1000000 --seconds 14 --twice
	$(Q)$(B)/xbeat-sim batch --kind lease --seeds 1000000 --seconds 12 --twice
	$(Q)$(B)/xbeat-sim batch --kind ambush --seeds 1000000 --seconds 12 --twice
	$(Q)$(B)/xbeat-sim batch --kind siege --seeds 1000000 --seconds 8 --twice
	$(Q)$(B)/xbeat-sim batch --kind partition --seeds 1000000 --seconds 4 --twice
	$(Q)$(B)/xbeat-sim batch --kind witness --seeds 1000000 --seconds 2
	$(Q)$(B)/xbeat-sim batch --kind echo --seeds 1000000 --seconds 2
	$(Q)$(B)/xbeat-sim batch --kind flags --seeds 1000000 --seconds 2
	$(Q)$(B)/xbeat-sim batch --kind disk --seeds 1000000 --seconds 4 --twice
sim-long: $(B)/xbeat-sim
	$(Q)$(B)/xbeat-sim batch --kind $(SIM_KIND) --seed $(SIM_SEED) --seeds 100000000 --seconds $(SIM_SECONDS) --twice --verbose
# Never twice in a million runs: a run costs about 6 ms of processor time.
sim-partitions: $(B)/xbeat-sim
	$(Q)nice -n 19 $(B)/xbeat-sim batch --kind partition --seed $(SIM_SEED) --seeds $(SIM_RUNS) --verbose

-include $(sim_objects:.o=.d)

## make sim-identical    the same seeds with g++ and clang++, -O0 and -O2: the digests have to be equal; IDENTICAL_RUNS=n
IDENTICAL_RUNS ?= 240
identical_kinds := g++,-O2 g++,-O0 clang++,-O2 clang++,-O0
comma := ,
define identical
.PHONY: sim-identical-$(1)-$(2)
sim-identical-$(1)-$(2):
	$$(Q)$$(MAKE) --no-print-directory B=$(B)/identical/$(1)$(2) CXX=$(1) OPT=$(2) $(B)/identical/$(1)$(2)/xbeat-sim
	$$(Q)$(B)/identical/$(1)$(2)/xbeat-sim batch --kind mixed --seeds $$(IDENTICAL_RUNS) \
		| sed -n 's/.*; hash //p' > $(B)/identical/$(1)$(2).hash
endef
$(foreach kind,$(identical_kinds),$(eval $(call identical,$(word 1,$(subst $(comma), ,$(kind))),$(word 2,$(subst $(comma), ,$(kind))))))
.PHONY: sim-identical
sim-identical: $(foreach kind,$(identical_kinds),sim-identical-$(subst $(comma),-,$(kind)))
	$(Q)cd $(B)/identical && tail -n 1 *.hash && test "$$(cat *.hash | sort -u | wc -l)" = 1
