## make sim              60 CPU seconds of simulated pairs: seeds that once failed, stories, then new ones
## make sim-long         an hour of it; SIM_SEED=n to begin elsewhere, SIM_SECONDS=n
# The simulator is a program of its own, optimised: a run is worth as much as the time it covers.
sim_sources := $(filter-out %_test.cc,$(shell find tests/sim -name '*.cc' 2>/dev/null | LC_ALL=C sort))
sim_objects := $(patsubst tests/sim/%.cc,$(B)/obj/sim/%.o,$(sim_sources))
sim_flags := $(common_flags) -I . -I manager -I bpf
SIM_SEED ?= 1
SIM_SECONDS ?= 3600

$(B)/obj/sim/%.o: tests/sim/%.cc
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX   $<")
	$(Q)$(CCACHE) $(CXX) $(sim_flags) -c $< -o $@

$(B)/xbeat-sim: $(sim_objects) $(B)/libmanager.a
	$(if $(V),,@echo "  LINK  $@")
	$(Q)$(CXX) $(link_flags) $^ -lpugixml -o $@

.PHONY: sim-long
sim: $(B)/xbeat-sim
	$(Q)$(B)/xbeat-sim regress --file tests/sim/seeds/regress
	$(Q)$(B)/xbeat-sim batch --seeds 1000000 --seconds 60 --twice
sim-long: $(B)/xbeat-sim
	$(Q)$(B)/xbeat-sim batch --seed $(SIM_SEED) --seeds 100000000 --seconds $(SIM_SECONDS) --twice --verbose

-include $(sim_objects:.o=.d)
