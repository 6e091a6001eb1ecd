## make lint             layers, purity of manager/, claims and their tests, the list of notes, formatting
## make tidy             clang-tidy, ten seconds a file (TIDY="FILE..." for some)
## make fmt              format all C++ and BPF sources
.PHONY: lint tidy fmt
lint: $(B)/libmanager.a
	$(Q)scripts/check_layers
	$(Q)scripts/check_claims
	$(Q)scripts/mutants --check
	$(Q)scripts/check_journal
	$(Q)scripts/check_pure $(B)/libmanager.a
	$(Q)git ls-files '*.cc' '*.h' '*.c' | xargs clang-format --dry-run -Werror
TIDY ?= $(manager_sources) $(user_all)
tidy: $(bpf_skeletons)
	$(Q)printf '%s\n' $(TIDY) | xargs -P "$$(nproc)" -I FILE clang-tidy --quiet FILE -- -std=c++20 -I manager -I user -I bpf -isystem $(B)
fmt:
	$(Q)git ls-files '*.cc' '*.h' '*.c' | xargs clang-format -i
