# BPF objects (CO-RE, no vmlinux.h, so a machine without BTF builds them too) and their skeletons.
bpf_sources := $(wildcard bpf/*.bpf.c)
bpf_skeletons := $(patsubst bpf/%.bpf.c,$(B)/skel/%.skel.h,$(bpf_sources))
multiarch := $(shell $(CXX) -print-multiarch 2>/dev/null)
bpf_arch := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(shell uname -m)))
bpf_flags := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -D__TARGET_ARCH_$(bpf_arch) -I bpf -isystem /usr/include/$(multiarch)

$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  BPF   $<")
	$(Q)$(BPF_CLANG) $(bpf_flags) -MMD -MP -c $< -o $@
	$(Q)llvm-strip -g $@

$(B)/skel/%.skel.h: $(B)/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(if $(V),,@echo "  SKEL  $@")
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

.SECONDARY: $(patsubst bpf/%.bpf.c,$(B)/bpf/%.bpf.o,$(bpf_sources)) $(bpf_skeletons)
-include $(patsubst bpf/%.bpf.c,$(B)/bpf/%.bpf.d,$(bpf_sources))
