# Compilers, flags, and where things go. Variables a user may set: B (build folder), CXX, V=1, SAN=address,undefined.
B ?= build
CXX ?= g++
ifeq ($(origin CXX),default)
CXX := g++
endif
# The host compiler behind a ccache, where there is one: it changes no result, only the waiting.
CCACHE := $(shell command -v ccache 2>/dev/null)
BPF_CLANG ?= clang
BPFTOOL ?= $(or $(shell command -v bpftool 2>/dev/null),/usr/sbin/bpftool)
Q := $(if $(V),,@)
OPT ?= -O2
SAN ?=
san_flags := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)

warnings := -Wall -Wextra -Wconversion -Wshadow -Wformat=2 -Werror
hardening := -fstack-protector-strong -D_GLIBCXX_ASSERTIONS $(if $(SAN),,-D_FORTIFY_SOURCE=2)
common_flags := -std=c++20 $(OPT) -g -fPIE $(warnings) $(hardening) $(san_flags) -MMD -MP
# XML, JSON and the rest come from the system's include folders, where warnings are not ours to fix.
manager_flags := $(common_flags) -fno-exceptions -fno-rtti -I manager
user_flags := $(common_flags) -I manager -I user -I bpf -I $(B) -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL
test_flags := $(common_flags) -I . -I manager -I user -I bpf -I tests -I $(B) -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL
link_flags := -pie -Wl,-z,relro,-z,now $(san_flags)
