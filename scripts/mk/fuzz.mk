## make fuzz             libFuzzer on every parser, TIME=s in all (60), one after another; needs clang
# A target is tests/fuzz/fuzz_NAME.cc; what it starts from is tests/fuzz/seeds/NAME, what it finds stays in the build folder.
TIME ?= 60
FUZZ_CXX ?= clang++
fuzz_names := $(patsubst tests/fuzz/fuzz_%.cc,%,$(wildcard tests/fuzz/fuzz_*.cc))
fuzz_programs := $(patsubst %,$(B)/fuzz/%,$(fuzz_names))
fuzz_flags := -std=c++20 -O1 -g -Wall -Wextra -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined -D_GLIBCXX_ASSERTIONS -I . -I manager -MMD -MP
# The folders of manager/ that targets use: instrumented builds are slow, so name a folder here with its first target.
fuzz_folders := core cib model rules schedule wire arbiter
fuzz_sources := $(filter $(patsubst %,manager/%/%,$(fuzz_folders)),$(manager_sources))
fuzz_manager := $(patsubst %.cc,$(B)/fuzz/obj/%.o,$(fuzz_sources))

$(B)/fuzz/obj/%.o: %.cc
	@mkdir -p $(@D)
	$(if $(V),,@echo "  FUZZ  $<")
	$(Q)$(CCACHE) $(FUZZ_CXX) $(fuzz_flags) $(if $(filter manager/%,$<),-fno-exceptions -fno-rtti) -c $< -o $@

# An archive, so that a target links only what it uses.
$(B)/fuzz/libmanager.a: $(fuzz_manager)
	$(Q)rm -f $@ && ar rcs $@ $^

$(fuzz_programs): $(B)/fuzz/%: $(B)/fuzz/obj/tests/fuzz/fuzz_%.o $(B)/fuzz/libmanager.a
	$(if $(V),,@echo "  LINK  $@")
	$(Q)$(FUZZ_CXX) -fsanitize=fuzzer,address,undefined $^ -lpugixml -o $@

.PHONY: fuzz
.SECONDARY: $(fuzz_manager)
fuzz: $(fuzz_programs)
	$(Q)for name in $(fuzz_names); do \
	    mkdir -p $(B)/fuzz/corpus/$$name; \
	    seeds=; test -d tests/fuzz/seeds/$$name && seeds=tests/fuzz/seeds/$$name; \
	    dictionary=; test -f tests/fuzz/$$name.dict && dictionary=-dict=tests/fuzz/$$name.dict; \
	    echo "  FUZZ  $$name for $$(( $(TIME) / $(words $(fuzz_names)) )) s"; \
	    nice -n 19 $(B)/fuzz/$$name -max_total_time=$$(( $(TIME) / $(words $(fuzz_names)) )) -timeout=10 -rss_limit_mb=2048 \
	        -max_len=65536 -print_final_stats=1 -verbosity=0 -artifact_prefix=$(B)/fuzz/$$name- $$dictionary \
	        $(B)/fuzz/corpus/$$name $(FUZZ_SEEDS) $$seeds || exit 1; \
	done

-include $(patsubst %.cc,$(B)/fuzz/obj/%.d,$(fuzz_sources) $(wildcard tests/fuzz/fuzz_*.cc))
