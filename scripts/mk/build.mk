## make                  build everything into build/ (B=DIR for another folder, V=1 to see commands)
# A program's main() is in a file called *main.cc; everything else of user/ is in libuser.a, of manager/ in libmanager.a.
manager_sources := $(shell find manager -name '*.cc' 2>/dev/null | LC_ALL=C sort)
user_all := $(shell find user -name '*.cc' 2>/dev/null | LC_ALL=C sort)
user_sources := $(filter-out %main.cc,$(user_all))
user_mains := $(filter %main.cc,$(user_all))
to_object = $(patsubst %.cc,$(B)/obj/%.o,$(1))

# pugixml is linked in: a shared object more costs every start of the command line 0.7 ms.
libs := -lbpf -luring -lspdlog -lfmt -Wl,-Bstatic -lpugixml -Wl,-Bdynamic -lssl -lcrypto -lsqlite3 -lncursesw -ltinfo -lsystemd -lelf -lz -lpthread

# NAME,flags: build/pch/NAME.h.gch, which `-include build/pch/NAME.h` finds. Objects need it to exist first, and are not made
# anew when it is: it holds only the system's headers.
# They include each other, so all of them are copied before the first is compiled: once, whoever runs beside it.
$(B)/pch/copied: $(wildcard scripts/mk/precompiled/*.h)
	@mkdir -p $(@D)
	$(Q)cp $^ $(@D)/ && touch $@

define precompiled
$(1)_pch := $(if $(PCH),$(B)/pch/$(1).h.gch)
$(1)_include := $(if $(PCH),-include $(B)/pch/$(1).h)
$(B)/pch/$(1).h.gch: $(B)/pch/copied
	$$(if $$(V),,@echo "  PCH   $(1)")
	$$(Q)$$(CXX) $$(filter-out -MMD -MP,$(2)) -E $$(@D)/$(1).h | sha256sum >$$@.sum
	$$(Q)$$(CXX) $$(filter-out -MMD -MP,$(2)) -x c++-header $$(@D)/$(1).h -o $$@
endef
$(eval $(call precompiled,manager,$$(manager_flags)))
$(eval $(call precompiled,user,$$(user_flags)))
$(eval $(call precompiled,user_text,$$(user_flags)))
$(eval $(call precompiled,test,$$(test_flags)))

$(B)/obj/manager/%.o: manager/%.cc | $(manager_pch)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX   $<")
	$(Q)$(CCACHE) $(CXX) $(manager_flags) $(manager_include) -c $< -o $@

# `private`: what these need is not made with their flags.
# Skeletons must exist before the first compilation; afterwards the .d files know who includes them.
text_objects := $(foreach folder,cli control shim,$(B)/obj/user/$(folder)/%.o)
$(text_objects) $(B)/pch/user_text.h.gch: private OPT := $(TEXT_OPT)
$(text_objects): private user_include := $(user_text_include)
$(B)/obj/user/%.o: user/%.cc | $(bpf_skeletons) $(user_pch) $(user_text_pch)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX   $<")
	$(Q)$(CCACHE) $(CXX) $(user_flags) $(user_include) -c $< -o $@

$(B)/obj/tests/%.o: tests/%.cc | $(bpf_skeletons) $(test_pch)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CXX   $<")
	$(Q)$(CCACHE) $(CXX) $(test_flags) $(test_include) -c $< -o $@

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
$(eval $(call program,xbeat-exec,user/agent/exec_main.cc,-lbpf -lspdlog -lfmt -lsystemd -lelf -lz -lpthread))
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
