// `xbeat replay`: a recorded run of the manager once more, on whatever machine this is.
//
// The same code that decided then decides again, from the same events at the same times. Its
// outputs have to be the recorded ones, bit for bit; where the replay stops, what the manager knew
// is shown.
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>

#include <algorithm>
#include <memory>

#include "cli/answer.h"
#include "cli/nouns.h"
#include "core/text.h"
#include "node/recording.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::cli {
namespace {

struct ReplayLine {
    std::string file;
    std::string until;
    bool verbose = false;
    bool quiet = false;
};

// A file's bytes, mapped: a recording may be larger than what one wants to copy.
class Mapping {
public:
    static Result<Mapping> open(const std::string& file) {
        const sys::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
        struct stat facts {};
        if (!fd.is_open() || ::fstat(fd.get(), &facts) != 0) {
            return sys::system_error(concat("cannot open ", file));
        }
        Mapping made;
        if (!S_ISREG(facts.st_mode) || facts.st_size == 0) return made;
        made.size_ = static_cast<std::size_t>(facts.st_size);
        void* const at = ::mmap(nullptr, made.size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
        if (at == MAP_FAILED) return sys::system_error(concat("cannot read ", file));
        made.bytes_.reset(static_cast<const char*>(at), [size = made.size_](const char* mapped) {
            ::munmap(const_cast<char*>(mapped), size);
        });
        return made;
    }
    [[nodiscard]] std::string_view bytes() const { return {bytes_.get(), size_}; }

private:
    std::shared_ptr<const char> bytes_;
    std::size_t size_ = 0;
};

std::string since(Instant at, Instant start) {
    const std::int64_t us = (at - start).count() / 1000;
    std::string fraction = concat(us % 1'000'000);
    fraction.insert(0, 6 - fraction.size(), '0');
    return concat('+', us / 1'000'000, '.', fraction);
}

// One replay: what it is at, and what it has to show.
struct Replay {
    const ReplayLine& line;
    node::Node node;
    Instant start{};
    std::uint64_t number = 0;
    Answer answer = {};

    void keep(const node::RecordedStep& step, const node::Output& output) {
        if (line.quiet) return;
        const std::string at = concat(number, ' ', since(step.now.boot, start), ' ');
        if (line.verbose) answer.text += concat(at, node::kind_of(step.event), '\n');
        for (const Note& note : output.notes) {
            if (note.level == Level::Debug && !line.verbose) continue;
            answer.text += concat(at, note.kind, ": ", note.text, '\n');
            answer.document["notes"].push_back(
                {{"event", number},
                 {"since_us", (step.now.boot - start).count() / 1000},
                 {"kind", note.kind},
                 {"text", note.text}});
        }
    }

    [[nodiscard]] bool is_wanted(const node::RecordedStep& step, const node::Output& output) const {
        if (line.until.empty()) return false;
        if (const auto wanted = parse_integer(line.until)) {
            return number >= static_cast<std::uint64_t>(std::max<std::int64_t>(1, *wanted));
        }
        if (node::kind_of(step.event) == line.until) return true;
        return std::any_of(output.notes.begin(), output.notes.end(),
                           [this](const Note& note) { return note.kind == line.until; });
    }

    void keep_state() {
        const cib::Element& cib = node.cib();
        const std::string version =
            concat(cib.get("admin_epoch"), '.', cib.get("epoch"), '.', cib.get("num_updates"));
        const std::string coordinator(node.coordinator().empty() ? "none" : node.coordinator());
        answer.text += concat("state after event ", number, ":\n  activity: ", node.activity(),
                              "\n  coordinator: ", coordinator, ", term ", node.term().value,
                              "\n  configuration: ", version, '\n');
        Document peers = Document::array();
        for (const node::PeerView& peer : node.peers()) {
            const std::string_view state = health::to_string(peer.state);
            answer.text += concat("  peer ", peer.name, ": ", state,
                                  peer.is_member ? ", member" : ", no member",
                                  peer.has_channel ? "" : ", no channel", '\n');
            peers.push_back({{"name", peer.name},
                             {"state", state},
                             {"is_member", peer.is_member},
                             {"has_channel", peer.has_channel}});
        }
        if (node.lease().is_used) answer.text += concat("  lease: ", node.lease().standing, '\n');
        for (const node::FenceView& fence : node.fence_history()) {
            answer.text += concat("  fencing: ", fence.action, " of ", fence.target, " by ",
                                  fence.origin, ": ", fence.outcome, '\n');
        }
        answer.document["state"] = {{"event", number},
                                    {"activity", node.activity()},
                                    {"coordinator", coordinator},
                                    {"term", node.term().value},
                                    {"version", version},
                                    {"peers", std::move(peers)}};
    }
};

// Steps the node to the end, or to where it is to stop. True if it stopped there.
Result<bool> step_through(Replay& replay, node::RecordingReader& reader) {
    for (;;) {
        const std::optional<node::RecordedStep> step = XB_TRY(reader.next());
        if (!step) return false;
        if (replay.number++ == 0) replay.start = step->now.boot;
        const node::Output output = replay.node.step(step->now, step->event);
        replay.keep(*step, output);
        if (node::digest_of(output) != step->output) {
            return Error{
                .code = Code::Conflict,
                .context = concat("event ", replay.number, " (", node::kind_of(step->event),
                                  ") gave another output than was recorded")};
        }
        if (replay.is_wanted(*step, output)) return true;
    }
}

ExitCode run_replay(Session& session, const ReplayLine& line) {
    const auto in_file = [&line](const Error& error) {
        return Error{.code = error.code, .context = concat(line.file, ": ", error.context)};
    };
    const Result<Mapping> mapping = Mapping::open(line.file);
    if (!mapping) return fail(session, mapping.error());
    Result<node::RecordingReader> reader = node::RecordingReader::open(mapping->bytes());
    if (!reader) return fail(session, in_file(reader.error()));
    const node::RecordingHead& head = reader->head();
    Replay replay{.line = line, .node = node::Node(head.options)};
    replay.answer.document = {{"program", head.program}, {"notes", Document::array()}};
    if (head.program != kVersion) {
        replay.answer.text = concat("recorded by xbeat ", head.program, ", replayed by ", kVersion,
                                    ": outputs may differ for that reason alone\n");
    }
    const Result<bool> stopped = step_through(replay, *reader);
    replay.keep_state();
    replay.answer.document["events"] = replay.number;
    const bool is_same = stopped || stopped.error().code != Code::Conflict;
    replay.answer.document["is_same"] = is_same;
    if (stopped && !*stopped && line.until.empty()) {
        replay.answer.text += concat(replay.number, " events replayed, every output as recorded\n");
    }
    if (stopped && (*stopped || line.until.empty())) return show(session, replay.answer);

    Error error{.code = Code::NotFound,
                .context = concat("the recording has no event ", line.until)};
    if (!stopped) error = is_same ? in_file(stopped.error()) : stopped.error();
    const ExitCode code = fail(session, error);
    replay.answer.code = is_same ? code : ExitCode::Error;
    return show(session, replay.answer);
}

}  // namespace

void add_replay(const Command& root) {
    Command replay = root.verb("replay", "Run a recorded run of the manager again, bit for bit");
    const auto line = std::make_shared<ReplayLine>();
    replay.required("FILE", line->file, "A recording: see [recording] in xbeat.toml(5)");
    replay.option("--until", line->until, "EVENT",
                  "Stop after this event: its number, its kind, or the kind of a note");
    replay.flag("--verbose", line->verbose, "Every event, and notes for developers");
    replay.flag("--quiet", line->quiet, "Only where it stops");
    replay.footer(
        "Examples:\n  xbeat replay /var/lib/xbeat/recording.0\n  xbeat replay recording.0 --until "
        "peer-dead");
    replay.shows(with(line, run_replay));
}

}  // namespace xbeat::cli
