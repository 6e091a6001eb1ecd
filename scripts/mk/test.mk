## make test             unit tests, BPF packet tables, short simulation, and the lab (skips say why)
## make unit             the tests that need no privileges
## make stories           two nodes in a small deterministic world, told as scripts (tests/sim)
## make test-bpf         packet tables through BPF_PROG_TEST_RUN (root)
# One binary a kind: tests/KIND/**/*_test.cc; what they share is in tests/support.
support_sources := $(shell find tests/support -name '*.cc' 2>/dev/null | LC_ALL=C sort)
test_kinds := unit bpf corpus sim
more_sim := $(B)/libsim.a
test_libs := -lgmock -lgtest -lgtest_main -lrapidcheck

define test_binary
$(1)_test_sources := $$(shell find tests/$(1) -name '*_test.cc' 2>/dev/null | LC_ALL=C sort)
$(B)/tests/$(1)_tests: $$(call to_object,$$($(1)_test_sources) $(support_sources)) $$(more_$(1)) $(B)/libuser.a $(B)/libmanager.a
	@mkdir -p $$(@D)
	$$(if $$(V),,@echo "  LINK  $$@")
	$$(Q)$$(CXX) $$(link_flags) $$^ $$(test_libs) $$(libs) -o $$@
-include $$(patsubst %.cc,$(B)/obj/%.d,$$($(1)_test_sources))
endef
$(foreach kind,$(test_kinds),$(eval $(call test_binary,$(kind))))
-include $(patsubst %.cc,$(B)/obj/%.d,$(support_sources))

# Tests with real agents run this build's xbeat-exec; without it they skip.
$(B)/tests/unit_tests $(B)/tests/bpf_tests: | $(B)/xbeat-exec

.PHONY: test unit sim stories test-bpf test-corpus check power-cuts
unit: $(B)/tests/unit_tests
	$(Q)$(B)/tests/unit_tests --gtest_brief=1
stories: $(B)/tests/sim_tests
	$(Q)$(B)/tests/sim_tests --gtest_brief=1
## make power-cuts       the power goes at POWER_CUTS random writes of the store (10000); part of `unit` with 300
POWER_CUTS ?= 10000
power-cuts: $(B)/tests/unit_tests
	$(Q)XBEAT_POWER_CUTS=$(POWER_CUTS) $(B)/tests/unit_tests --gtest_brief=1 --gtest_filter='PowerCut.*'
test-bpf: $(B)/tests/bpf_tests
	$(Q)$(B)/tests/bpf_tests --gtest_brief=1
test: all
	$(Q)XB_BUILD=$(abspath $(B)) scripts/test --built
check: lint test
