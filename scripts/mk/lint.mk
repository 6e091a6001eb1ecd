## make lint             layers, purity of manager/, formatting
## make fmt              format all C++ and BPF sources
.PHONY: lint fmt
lint: $(B)/libmanager.a
	$(Q)scripts/check_layers
	$(Q)scripts/check_pure $(B)/libmanager.a
	$(Q)git ls-files '*.cc' '*.h' '*.c' | xargs clang-format --dry-run -Werror
fmt:
	$(Q)git ls-files '*.cc' '*.h' '*.c' | xargs clang-format -i
