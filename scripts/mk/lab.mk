## make lab              all scenarios (root), LAB_JOBS=n at a time; LAB="NAME..." for some, LAB_REPEAT=n rounds
# The lab's own programs: power switch, init, fence agent, client, echo server.
# They need nothing of the product but its vocabulary, so that they build while it does not.
lab_common := $(call to_object,$(wildcard manager/core/*.cc)) $(B)/obj/lab/sys/system_error.o $(B)/obj/lab/sys/boot_clock.o
lab_flags := $(test_flags) -I $(B)/skel
lab_programs := $(addprefix $(B)/lab/,xblab-switch xblab-init xblab-echo xblab-probe fence_xblab)

$(B)/lab/%.bpf.o: tests/lab/%.bpf.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  BPF   $<")
	$(Q)$(BPF_CLANG) $(bpf_flags) -c $< -o $@
	$(Q)llvm-strip -g $@

$(B)/skel/lab/pass.skel.h: $(B)/lab/pass.bpf.o
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name pass_bpf > $@

$(B)/obj/lab/%.o: tests/%.cc | $(B)/skel/lab/pass.skel.h
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX   $<")
	$(Q)$(CCACHE) $(CXX) $(lab_flags) -c $< -o $@

$(B)/obj/lab/sys/%.o: user/sys/%.cc
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX   $<")
	$(Q)$(CCACHE) $(CXX) $(lab_flags) -c $< -o $@
-include $(B)/obj/lab/sys/system_error.d $(B)/obj/lab/sys/boot_clock.d

# name,sources in tests/,libraries
define lab_program
$(B)/lab/$(1): $(patsubst %.cc,$(B)/obj/lab/%.o,$(2)) $(lab_common)
	@mkdir -p $$(@D)
	$$(if $$(V),,@echo "  LINK  $$@")
	$$(Q)$$(CXX) $$(link_flags) $$^ $(3) -o $$@
-include $(patsubst %.cc,$(B)/obj/lab/%.d,$(2))
endef
$(eval $(call lab_program,xblab-switch,lab/switch_main.cc lab/switch.cc lab/machine.cc lab/inside.cc lab/port.cc,-lbpf -lelf -lz))
$(eval $(call lab_program,xblab-init,lab/init_main.cc))
$(eval $(call lab_program,xblab-echo,lab/echo_main.cc))
$(eval $(call lab_program,xblab-probe,perf/probe_client.cc))
$(eval $(call lab_program,fence_xblab,lab/fence_main.cc))

.PHONY: lab
all: $(lab_programs) $(B)/lab/loss.bpf.o
LAB_JOBS ?= $(shell nproc)
LAB_REPEAT ?= 1
lab: all
	$(Q)XB_BUILD=$(abspath $(B)) tests/lab/run.py --jobs $(LAB_JOBS) --repeat $(LAB_REPEAT) $(LAB)

## make demo             scripts/demo with what is built
## make bench            the side-by-side benchmark (scripts/setup --rivals for the others)
.PHONY: demo bench
demo: all
	$(Q)XB_BUILD=$(abspath $(B)) scripts/demo --built
bench: all
	$(Q)XB_BUILD=$(abspath $(B)) scripts/bench --built
