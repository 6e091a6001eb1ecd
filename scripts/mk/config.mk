# Compilers, flags, and where things go. Variables a user may set: B (build folder), CXX, V=1, SAN=address,undefined.
B ?= build
CXX ?= g++
ifeq ($(origin CXX),default)
CXX := g++
endif
# The host compiler behind a ccache, where there is one: it changes no result, only the waiting.
CCACHE := $(shell command -v ccache 2>/dev/null)
# With precompiled headers it needs to be told that they hold no surprises, and to compare their sources, not their bytes.
export CCACHE_SLOPPINESS := pch_defines,time_macros
export CCACHE_PCH_EXTSUM := 1
# `make PCH=` compiles without precompiled headers, as every other compiler than g++ does.
PCH ?= $(if $(filter g++%,$(notdir $(CXX))),yes)
BPF_CLANG ?= clang
BPFTOOL ?= $(or $(shell command -v bpftool 2>/dev/null),/usr/sbin/bpftool)
Q := $(if $(V),,@)
OPT ?= -O2
# The command line and what else only turns text into values and back: nothing waits for it, but it is most of user/.
TEXT_OPT ?= -O1
# Tests are compiled without optimisation: most of the waiting is for their headers. What they test is built with OPT.
TEST_OPT ?= -O0 -g1
SAN ?=
san_flags := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)

warnings := -Wall -Wextra -Wconversion -Wshadow -Wformat=2 -Werror
# g++ 12 suspects the library's own strings and optionals after inlining. It keeps that to itself in a system header, but not in
# one that was precompiled; `make PCH=` has these warnings.
warnings += $(if $(PCH),-Wno-array-bounds -Wno-restrict -Wno-stringop-overread -Wno-stringop-overflow -Wno-maybe-uninitialized)
language = -std=c++20 -fPIE $(warnings) -D_GLIBCXX_ASSERTIONS $(san_flags) -MMD -MP
# _FORTIFY_SOURCE needs optimisation, and a sanitizer checks more than it does.
fortify = $(if $(or $(SAN),$(findstring -O0,$(OPT))),,-D_FORTIFY_SOURCE=2)
common_flags = $(language) $(OPT) -g1 -fstack-protector-strong $(fortify)
# XML, JSON and the rest come from the system's include folders, where warnings are not ours to fix.
manager_flags = $(common_flags) -fno-exceptions -fno-rtti -I manager
user_flags = $(common_flags) -I manager -I user -I bpf -I $(B) -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL
test_flags = $(language) $(TEST_OPT) -I . -I manager -I user -I bpf -I tests -I $(B) -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL
link_flags := -pie -Wl,-z,relro,-z,now $(san_flags)
