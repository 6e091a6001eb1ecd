## make                  build everything into build/ (B=DIR for another folder, V=1 to see commands)
# A program's main() is in a file called *main.cc; everything else of user/ is in libuser.a, of manager/ in libmanager.a.
manager_sources := $(shell find manager -name '*.cc' 2>/dev/null | LC_ALL=C sort)
user_all := $(shell find user -name '*.cc' 2>/dev/null | LC_ALL=C sort)
user_sources := $(filter-out %main.cc,$(user_all))
user_mains := $(filter %main.cc,$(user_all))
to_object = $(patsubst %.cc,$(B)/obj/%.o,$(1))

libs := -lbpf -luring -lspdlog -lfmt -lpugixml -lssl -lcrypto -lsqlite3 -lncursesw -ltinfo -lsystemd -lelf -lz -lpthread

$(B)/obj/manager/%.o: manager/%.cc
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX   $<")
	$(Q)$(CCACHE) $(CXX) $(manager_flags) -c $< -o $@

# Skeletons must exist before the first compilation; afterwards the .d files know who includes them.
$(B)/obj/user/%.o: user/%.cc | $(bpf_skeletons)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX   $<")
	$(Q)$(CCACHE) $(CXX) $(user_flags) -c $< -o $@

$(B)/obj/tests/%.o: tests/%.cc | $(bpf_skeletons)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX   $<")
	$(Q)$(CCACHE) $(CXX) $(test_flags) -c $< -o $@

$(B)/libmanager.a: $(call to_object,$(manager_sources))
	$(if $(V),,@echo "  AR    $@")
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/libuser.a: $(call to_object,$(user_sources))
	$(if $(V),,@echo "  AR    $@")
	$(Q)rm -f $@ && ar rcs $@ $^

# program,main source: links build/NAME from one main and both libraries.
define program
programs += $(B)/$(1)
$(B)/$(1): $(call to_object,$(2)) $(B)/libuser.a $(B)/libmanager.a
	$$(if $$(V),,@echo "  LINK  $$@")
	$$(Q)$$(CXX) $$(link_flags) $$^ $(if $(3),$(3),$$(libs)) -o $$@
endef
programs :=
ifneq ($(wildcard user/daemon/main.cc),)
$(eval $(call program,xbeatd,user/daemon/main.cc))
endif
ifneq ($(wildcard user/agent/exec_main.cc),)
$(eval $(call program,xbeat-exec,user/agent/exec_main.cc,-lspdlog -lfmt -lpthread))
endif
ifneq ($(wildcard user/witness/main.cc),)
$(eval $(call program,xbeat-witness,user/witness/main.cc))
endif
ifneq ($(wildcard user/cli/main.cc),)
$(eval $(call program,xbeat,user/cli/main.cc))
endif

.PHONY: all
all: $(programs) $(B)/libmanager.a $(B)/libuser.a

-include $(patsubst %.cc,$(B)/obj/%.d,$(manager_sources) $(user_all))
