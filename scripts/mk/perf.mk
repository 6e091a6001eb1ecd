## make bench-beat       what a beat costs the kernel, a frame and a verdict at a time (root)
bench_beat := $(B)/perf/beat_check_bench
$(bench_beat): $(call to_object,tests/perf/beat_check_bench.cc $(support_sources)) $(B)/libuser.a $(B)/libmanager.a
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK  $@")
	$(Q)$(CXX) $(link_flags) $^ $(test_libs) $(libs) -o $@
-include $(B)/obj/tests/perf/beat_check_bench.d

.PHONY: bench-beat
bench-beat: $(bench_beat)
	$(Q)$(bench_beat) frames
	$(Q)$(bench_beat) cuts 10

## make bench-cli        how long each reading command takes in a cluster of 1 000 resources
.PHONY: bench-cli
bench-cli: $(B)/xbeat
	$(Q)tests/perf/cli_bench.py --xbeat $(abspath $(B))/xbeat
