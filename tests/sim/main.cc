// xbeat-sim: runs seeds, finds what breaks, repeats it, and makes it smaller. See
// docs/simulator.md.
#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include "core/text.h"
#include "tests/sim/chaos.h"

namespace xbeat::xsim {
namespace {

enum ExitCode { kPass = 0, kBroken = 1, kCrashed = 2, kDifferent = 3, kTooLong = 4, kUsage = 64 };

std::uint64_t running_seed = 0;

double cpu_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Arguments {
    std::string command;
    RunKind kind = RunKind::Fence;
    bool is_mixed = false;  // every kind in turn
    std::uint64_t seed = 1;
    std::uint64_t seeds = 100;
    std::uint64_t failures = 20;  // a batch ends after so many
    double seconds = 0;           // 0: no limit
    double until = 0;
    bool has_trace = false;
    bool may_skip = true;
    bool twice = false;
    bool verbose = false;
    Cuts cuts;
    std::string file;
};

void crashed(int /*signal*/) {
    char text[128];
    const int length =
        std::snprintf(text, sizeof text,
                      "xbeat-sim FAIL seed=%llu crash\nreplay: xbeat-sim run --seed %llu --trace\n",
                      static_cast<unsigned long long>(running_seed),
                      static_cast<unsigned long long>(running_seed));
    if (length > 0) {
        [[maybe_unused]] const ssize_t written =
            ::write(STDERR_FILENO, text, static_cast<std::size_t>(length));
    }
    ::_exit(kCrashed);
}

void print_trace(Nanos now, std::string_view text) {
    std::printf("%14.6f %.*s\n", static_cast<double>(now) / 1e9, static_cast<int>(text.size()),
                text.data());
}

RunOptions options_for(const Arguments& arguments, std::uint64_t seed) {
    RunOptions options;
    options.kind = arguments.kind;
    options.seed = seed;
    options.cuts = arguments.cuts;
    options.may_skip = arguments.may_skip;
    options.until = static_cast<Nanos>(arguments.until * 1e9);
    if (arguments.has_trace) options.trace = print_trace;
    return options;
}

std::string cut_words(RunKind kind, const Cuts& cuts) {
    std::string text;
    if (kind != RunKind::Fence) text = concat(" --kind ", name_of(kind));
    for (const FaultKind fault : cuts.without) text += concat(" --without ", name_of(fault));
    if (!cuts.kept.empty()) {
        std::string list;
        for (const std::size_t fault : cuts.kept) list += concat(list.empty() ? "" : ",", fault);
        text += concat(" --keep ", list);
    }
    if (cuts.chaos_max != 0) text += concat(" --chaos ", cuts.chaos_max / kSecond);
    if (cuts.resources_max != 0) text += concat(" --resources ", cuts.resources_max);
    return text;
}

void print_failure(const Arguments& arguments, std::uint64_t seed, const Cuts& cuts,
                   const Outcome& outcome) {
    const Violation& violation = *outcome.violation;
    const double at = static_cast<double>(violation.at) / 1e9;
    std::printf(
        "xbeat-sim FAIL seed=%llu inv=%s t=%.6fs steps=%llu hash=%016llx: %s\n"
        "replay: xbeat-sim run --seed %llu%s --until %.3f --trace\n",
        static_cast<unsigned long long>(seed), violation.invariant.c_str(), at,
        static_cast<unsigned long long>(outcome.steps),
        static_cast<unsigned long long>(outcome.digest), violation.text.c_str(),
        static_cast<unsigned long long>(seed), cut_words(arguments.kind, cuts).c_str(), at + 0.001);
    std::fflush(stdout);
}

int run_one(const Arguments& arguments) {
    running_seed = arguments.seed;
    if (arguments.verbose) {
        std::printf("%s\n",
                    describe(make_plan(arguments.kind, arguments.seed, arguments.cuts)).c_str());
    }
    const double began = cpu_seconds();
    const Outcome outcome = run(options_for(arguments, arguments.seed));
    const double used = cpu_seconds() - began;
    if (outcome.violation) {
        print_failure(arguments, arguments.seed, arguments.cuts, outcome);
        return kBroken;
    }
    std::printf("seed %llu: passed, %.1f s simulated in %.3f s, %llu steps, hash %016llx\n",
                static_cast<unsigned long long>(arguments.seed),
                static_cast<double>(outcome.simulated) / 1e9, used,
                static_cast<unsigned long long>(outcome.steps),
                static_cast<unsigned long long>(outcome.digest));
    return kPass;
}

struct Total {
    std::uint64_t runs = 0;
    std::uint64_t failures = 0;
    std::uint64_t faults = 0;
    std::uint64_t partitions = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t power_cuts = 0;
    double simulated = 0;
    Digest digest;
    Reached reached;
};

void print_total(const Total& total, double used, bool verbose) {
    std::printf(
        "%llu runs, %llu failed; %.2f hours simulated in %.1f CPU seconds: %.1f hours a "
        "CPU-minute\n%llu faults, %llu partitions, %llu acknowledged changes, %llu power "
        "cuts in the middle of a write; hash %016llx\n",
        static_cast<unsigned long long>(total.runs),
        static_cast<unsigned long long>(total.failures), total.simulated / 3600, used,
        used > 0 ? total.simulated / 3600 / (used / 60) : 0,
        static_cast<unsigned long long>(total.faults),
        static_cast<unsigned long long>(total.partitions),
        static_cast<unsigned long long>(total.acknowledged),
        static_cast<unsigned long long>(total.power_cuts),
        static_cast<unsigned long long>(total.digest.value()));
    std::size_t reached = 0;
    for (std::size_t i = 0; i < kStates; ++i) {
        if (total.reached.count(i) > 0) ++reached;
        const bool is_shown = verbose || total.reached.count(i) == 0;
        if (is_shown) {
            std::printf("  %10llu  %.*s\n", static_cast<unsigned long long>(total.reached.count(i)),
                        static_cast<int>(kStateTexts[i].size()), kStateTexts[i].data());
        }
    }
    std::printf("%zu of %zu rare states reached\n", reached, kStates);
}

void add(Total& total, const Outcome& outcome) {
    ++total.runs;
    total.faults += outcome.faults;
    total.partitions += outcome.partitions;
    total.acknowledged += outcome.acknowledged;
    total.power_cuts += outcome.power_cuts;
    total.simulated += static_cast<double>(outcome.simulated) / 1e9;
    total.digest.add(outcome.digest);
    total.reached.add(outcome.reached);
}

// In a mixed batch the two long kinds get most of the time, and the short ones most of the runs.
RunKind kind_in_turn(std::uint64_t number) {
    switch (number % 24) {
        case 0:
            return RunKind::Fence;
        case 8:
        case 16:
            return RunKind::Lease;
        case 14:
            return RunKind::Disk;
        case 4:
        case 12:
            return RunKind::Witness;
        case 20:
            return RunKind::Echo;
        case 22:
            return RunKind::Flags;
        case 2:
        case 10:
        case 18:
            return RunKind::Ambush;
        case 6:
            return RunKind::Siege;
        case 11:
            return RunKind::Move;
        default:
            return RunKind::Partition;
    }
}

// Every 64th seed also runs a second time, the other way round with the quiet times.
int check_twice(const Arguments& arguments, std::uint64_t seed, const Outcome& first) {
    RunOptions options = options_for(arguments, seed);
    options.may_skip = !options.may_skip;
    const Outcome second = run(options);
    if (first.digest == second.digest) return kPass;
    std::printf("xbeat-sim FAIL seed=%llu non-determinism: hash %016llx, then %016llx\n",
                static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(first.digest),
                static_cast<unsigned long long>(second.digest));
    return kDifferent;
}

int run_batch(Arguments arguments) {
    Total total;
    int outcome_code = kPass;
    const double began = cpu_seconds();
    for (std::uint64_t i = 0; i < arguments.seeds; ++i) {
        if (arguments.seconds > 0 && cpu_seconds() - began > arguments.seconds) break;
        const std::uint64_t seed = arguments.seed + i;
        running_seed = seed;
        if (arguments.is_mixed) arguments.kind = kind_in_turn(i);
        const Outcome outcome = run(options_for(arguments, seed));
        add(total, outcome);
        if (arguments.twice && i % 64 == 0) {
            const int code = check_twice(arguments, seed, outcome);
            if (code != kPass) return code;
        }
        if (!outcome.violation) continue;
        ++total.failures;
        print_failure(arguments, seed, arguments.cuts, outcome);
        outcome_code = kBroken;
        if (total.failures >= arguments.failures) break;
    }
    print_total(total, cpu_seconds() - began, arguments.verbose);
    return outcome_code;
}

/// True if the smaller plan still breaks the same invariant.
bool still_breaks(const Arguments& arguments, const Cuts& cuts, const std::string& invariant) {
    RunOptions options = options_for(arguments, arguments.seed);
    options.cuts = cuts;
    const Outcome outcome = run(options);
    return outcome.violation && outcome.violation->invariant == invariant;
}

int shrink(const Arguments& arguments) {
    running_seed = arguments.seed;
    Cuts cuts = arguments.cuts;
    RunOptions options = options_for(arguments, arguments.seed);
    const Outcome whole = run(options);
    if (!whole.violation) {
        std::printf("seed %llu breaks nothing\n", static_cast<unsigned long long>(arguments.seed));
        return kPass;
    }
    const std::string invariant = whole.violation->invariant;
    const auto try_cuts = [&](const Cuts& smaller) {
        if (!still_breaks(arguments, smaller, invariant)) return false;
        cuts = smaller;
        return true;
    };
    Cuts smaller = cuts;
    smaller.resources_max = 1;
    if (!try_cuts(smaller)) {
        smaller.resources_max = 4;
        (void)try_cuts(smaller);
    }
    // Then kinds of faults, then single ones, in blocks that become smaller.
    const std::vector<Fault> faults = make_plan(arguments.kind, arguments.seed, {}).faults;
    if (cuts.kept.empty()) {
        for (std::size_t i = 0; i < faults.size(); ++i) {
            if (!cuts.without.contains(faults[i].kind)) cuts.kept.insert(i);
        }
    }
    for (std::size_t kind = 0; kind < kFaultKinds; ++kind) {
        smaller = cuts;
        std::erase_if(smaller.kept, [&](std::size_t i) {
            return faults[i].kind == static_cast<FaultKind>(kind);
        });
        if (smaller.kept.size() != cuts.kept.size() && !smaller.kept.empty()) {
            (void)try_cuts(smaller);
        }
    }
    for (std::size_t block = std::max<std::size_t>(1, faults.size() / 2); block >= 1; block /= 2) {
        for (std::size_t first = 0; first < faults.size(); first += block) {
            smaller = cuts;
            std::erase_if(smaller.kept,
                          [&](std::size_t i) { return i >= first && i < first + block; });
            if (smaller.kept.size() != cuts.kept.size() && !smaller.kept.empty()) {
                (void)try_cuts(smaller);
            }
        }
        if (block == 1) break;
    }
    options.cuts = cuts;
    print_failure(arguments, arguments.seed, cuts, run(options));
    std::printf("%s\n", describe(make_plan(arguments.kind, arguments.seed, cuts)).c_str());
    return kBroken;
}

bool read_kind(std::string_view word, Arguments& out) {
    out.is_mixed = word == "mixed";
    for (std::size_t i = 0; i < static_cast<std::size_t>(RunKind::Count); ++i) {
        if (word != name_of(static_cast<RunKind>(i))) continue;
        out.kind = static_cast<RunKind>(i);
        return true;
    }
    return out.is_mixed;
}

// Seeds that once failed: one a line with the kind of run, if it is not `fence`; `#` begins a
// comment. They run first and for ever.
int run_regress(const Arguments& arguments) {
    std::FILE* file = std::fopen(arguments.file.c_str(), "r");
    if (file == nullptr) {
        std::fprintf(stderr, "xbeat-sim: cannot read %s\n", arguments.file.c_str());
        return kUsage;
    }
    char line[512];
    int code = kPass;
    std::uint64_t runs = 0;
    while (std::fgets(line, sizeof line, file) != nullptr) {
        std::string_view text(line);
        text = trim(text.substr(0, text.find('#')));
        if (text.empty()) continue;
        Arguments one = arguments;
        const std::size_t space = text.find(' ');
        one.seed = static_cast<std::uint64_t>(parse_integer(text.substr(0, space)).value_or(0));
        if (space != std::string_view::npos && !read_kind(trim(text.substr(space)), one)) {
            std::fprintf(stderr, "xbeat-sim: no such kind of run: %s", line);
            return kUsage;
        }
        running_seed = one.seed;
        const Outcome outcome = run(options_for(one, one.seed));
        ++runs;
        if (!outcome.violation) continue;
        print_failure(one, one.seed, one.cuts, outcome);
        code = kBroken;
    }
    std::fclose(file);
    std::printf("%llu seeds that once failed: %s\n", static_cast<unsigned long long>(runs),
                code == kPass ? "all pass" : "some fail again");
    return code;
}

constexpr std::string_view kHelp =
    "xbeat-sim run --seed S [--trace] [--until T] [--no-skip]   one seed\n"
    "xbeat-sim batch [--seed FIRST] [--seeds N] [--seconds CPU] [--failures N] [--twice]   many\n"
    "xbeat-sim shrink --seed S   leaves out what a failure does not need\n"
    "xbeat-sim regress --file FILE   seeds that once failed\n"
    "For all: --kind fence|lease|partition|witness|ambush|echo|disk|flags|siege|move (a batch: "
    "also mixed), "
    "--without "
    "FAULT, --keep "
    "N,N,..., --chaos SECONDS, --resources N, --verbose\n"
    "Ends with 0 passed, 1 an invariant is broken, 2 crash, 3 two runs of a seed differ, 4 time "
    "limit\n";

// "3,7,12".
void read_list(std::string_view text, std::set<std::size_t>& out) {
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        out.insert(static_cast<std::size_t>(parse_integer(text.substr(0, comma)).value_or(0)));
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
}

bool parse(int argc, char** argv, Arguments& out) {
    if (argc < 2) return false;
    out.command = argv[1];
    for (int i = 2; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--trace") {
            out.has_trace = true;
        } else if (word == "--no-skip") {
            out.may_skip = false;
        } else if (word == "--twice") {
            out.twice = true;
        } else if (word == "--verbose") {
            out.verbose = true;
        } else {
            if (i + 1 >= argc) return false;
            const std::string_view value = argv[++i];
            const auto number = static_cast<std::uint64_t>(parse_integer(value).value_or(0));
            if (word == "--seed") {
                out.seed = number;
            } else if (word == "--seeds") {
                out.seeds = number;
            } else if (word == "--failures") {
                out.failures = number;
            } else if (word == "--seconds") {
                out.seconds = static_cast<double>(number);
            } else if (word == "--kind") {
                if (!read_kind(value, out)) return false;
            } else if (word == "--until") {
                out.until = std::strtod(argv[i], nullptr);
            } else if (word == "--chaos") {
                out.cuts.chaos_max = static_cast<Nanos>(number) * kSecond;
            } else if (word == "--resources") {
                out.cuts.resources_max = number;
            } else if (word == "--keep") {
                read_list(value, out.cuts.kept);
            } else if (word == "--file") {
                out.file = value;
            } else if (word == "--without") {
                for (std::size_t kind = 0; kind < kFaultKinds; ++kind) {
                    if (name_of(static_cast<FaultKind>(kind)) == value) {
                        out.cuts.without.insert(static_cast<FaultKind>(kind));
                    }
                }
            } else {
                return false;
            }
        }
    }
    return true;
}

int run_command(int argc, char** argv) {
    Arguments arguments;
    if (!parse(argc, argv, arguments)) {
        std::fprintf(stderr, "%.*s", static_cast<int>(kHelp.size()), kHelp.data());
        return kUsage;
    }
    std::signal(SIGABRT, crashed);
    std::signal(SIGSEGV, crashed);
    if (arguments.command == "run") return run_one(arguments);
    if (arguments.command == "batch") return run_batch(arguments);
    if (arguments.command == "shrink") return shrink(arguments);
    if (arguments.command == "regress") return run_regress(arguments);
    std::fprintf(stderr, "%.*s", static_cast<int>(kHelp.size()), kHelp.data());
    return kUsage;
}

}  // namespace
}  // namespace xbeat::xsim

int main(int argc, char** argv) { return xbeat::xsim::run_command(argc, argv); }
