// `xbeat init` and `xbeat join`: a pair from two machines, with one command on each; and `xbeat
// invite`: another machine in place of one that died.
//
// init proposes links from what this machine has, makes the key and the configuration, and waits on
// the links until join has fetched both (see handover.h). invite does the same with the key and the
// file that are there. None of them starts anything.
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "cib/duration.h"
#include "cli/ask.h"
#include "cli/handover.h"
#include "cli/nouns.h"
#include "cli/setup.h"
#include "cli/setup_file.h"
#include "cli/status_source.h"
#include "cli/words.h"
#include "core/text.h"
#include "daemon/config.h"
#include "sys/boot_clock.h"
#include "sys/chance.h"
#include "sys/detach.h"
#include "sys/fd.h"
#include "sys/system_error.h"

namespace xbeat::cli {
namespace {

struct InitLine {
    std::string cluster = "cluster";
    std::string self;
    std::string peer;
    std::string profile = "vm";
    std::string arbiter = "fence";
    std::string key_file;
    std::string token;
    std::string token_file;
    std::string valid_for = "1h";
    std::vector<std::string> links;
    int port = 7455;
    bool force = false;
    bool stays = false;          // in the foreground until the other node has joined
    bool is_invitation = false;  // into a pair that exists
    bool is_renamed = false;     // with another name than the dead node had
    ChangeOptions change;
};

Error invalid(std::string text) { return {.code = Code::Invalid, .context = std::move(text)}; }

std::string own_name() {
    std::string name(256, '\0');
    if (::gethostname(name.data(), name.size() - 1) != 0) return {};
    name.resize(name.find('\0'));
    return name.substr(0, name.find('.'));
}

std::string listed(const std::vector<LocalAddress>& addresses) {
    std::string text;
    for (const LocalAddress& one : addresses) {
        text += concat("\n  ", one.interface, ": ", one.address, "/", one.prefix,
                       one.is_up ? "" : " (no carrier)",
                       one.has_default_route ? " (has the default route)" : "");
    }
    return text.empty() ? "\n  none but the loopback" : text;
}

// A link as two ends: INTERFACE[/OWN-ADDRESS][=PEER-ADDRESS].
struct LinkPair {
    SetupLink own;
    SetupLink peer;
};

Result<LinkPair> read_link(const std::string& word, const std::vector<LocalAddress>& addresses) {
    const std::size_t equals = word.find('=');
    const std::string left = word.substr(0, equals);
    std::string peer = equals == std::string::npos ? "" : word.substr(equals + 1);
    const std::size_t slash = left.find('/');
    const std::string interface = left.substr(0, slash);
    const std::string wanted = slash == std::string::npos ? "" : left.substr(slash + 1);
    const auto found =
        std::find_if(addresses.begin(), addresses.end(), [&](const LocalAddress& one) {
            return one.interface == interface && (wanted.empty() || one.address == wanted);
        });
    if (found == addresses.end()) {
        return invalid(concat("--link ", word, ": this machine has no such interface with an ",
                              "address. It has:", listed(addresses)));
    }
    if (peer.empty()) peer = other_end(*found);
    if (peer.empty()) {
        return invalid(concat("--link ", word,
                              ": the peer's address cannot be guessed in a network ",
                              "of more than two hosts; write --link ", interface, "=ADDRESS"));
    }
    return LinkPair{.own = {.interface = interface, .address = found->address},
                    .peer = {.interface = interface, .address = peer}};
}

// Links that need no more words: networks of two hosts without the default route.
std::vector<std::string> proposed_links(const std::vector<LocalAddress>& addresses) {
    std::vector<std::string> words;
    for (const LocalAddress& one : addresses) {
        if (!one.has_default_route && !other_end(one).empty())
            words.push_back(concat(one.interface, "/", one.address));
    }
    return words;
}

Result<Setup> make_setup(const InitLine& line) {
    const std::vector<LocalAddress> addresses = XB_TRY(local_addresses());
    const std::string self = line.self.empty() ? own_name() : line.self;
    if (line.peer.empty())
        return invalid("say what the other node is called: --peer NAME (its 'uname -n')");
    if (line.peer == self)
        return invalid(concat("the peer cannot be called ", self, " as well; see --self"));
    std::vector<std::string> words = line.links.empty() ? proposed_links(addresses) : line.links;
    if (words.empty()) {
        return invalid(
            concat("say which interfaces are the interconnect: --link ",
                   "INTERFACE=PEER-ADDRESS, once for each. This machine has:", listed(addresses)));
    }
    Setup setup{
        .cluster = line.cluster,
        .profile = line.profile,
        .arbiter = line.arbiter,
        .self = line.self,
        .port = line.port,
        .nodes = {{.name = self, .id = 1, .links = {}}, {.name = line.peer, .id = 2, .links = {}}}};
    for (const std::string& word : words) {
        LinkPair link = XB_TRY(read_link(word, addresses));
        setup.nodes[0].links.push_back(std::move(link.own));
        setup.nodes[1].links.push_back(std::move(link.peer));
    }
    return setup;
}

// A person is asked for what the options left out; "?" shows what may be said.
std::string asked(Session& session, std::string_view question, const std::string& fallback) {
    session.err << question << (fallback.empty() ? "" : concat(" [", fallback, "]")) << ": "
                << std::flush;
    std::string answer;
    std::getline(session.in, answer);
    const std::string_view word = trim(answer);
    return word.empty() ? fallback : std::string(word);
}

// On a terminal: the other node's name, and the links, with those proposed that need no words.
Result<void> ask_for_missing(Session& session, InitLine& line) {
    if (!session.is_interactive) return {};
    if (line.peer.empty()) line.peer = asked(session, "The other node's name (its 'uname -n')", "");
    if (!line.links.empty()) return {};
    const std::vector<LocalAddress> addresses = XB_TRY(local_addresses());
    std::string proposed;
    for (const std::string& word : proposed_links(addresses))
        proposed += concat(proposed.empty() ? "" : " ", word);
    session.err << "This machine has:" << listed(addresses) << '\n';
    const std::string words = asked(
        session,
        "Interconnects, each INTERFACE=PEER-ADDRESS (without an address where the network has "
        "two hosts only)",
        proposed);
    for (const std::string_view word : split_words(words)) line.links.emplace_back(word);
    return {};
}

std::string random_key() {
    std::string key(kSetupKeyBytes, '\0');
    sys::random_bytes({reinterpret_cast<std::uint8_t*>(key.data()), key.size()});
    return key;
}

Result<void> make_folders(const std::string& file, mode_t mode) {
    for (std::size_t at = file.find('/', 1); at != std::string::npos; at = file.find('/', at + 1)) {
        const std::string folder = file.substr(0, at);
        const bool is_last = file.find('/', at + 1) == std::string::npos;
        if (::mkdir(folder.c_str(), is_last ? mode : 0755) != 0 && errno != EEXIST)
            return sys::system_error(concat("cannot make the folder ", folder));
    }
    return {};
}

// Written beside and renamed, so that a crash leaves the old file or the new one.
Result<void> write_file(const std::string& file, std::string_view text, mode_t mode,
                        mode_t folder_mode) {
    XB_TRY(make_folders(file, folder_mode));
    const std::string draft = concat(file, ".new");
    ::unlink(draft.c_str());
    const sys::Fd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!fd.is_open()) return sys::system_error(concat("cannot make ", draft));
    while (!text.empty()) {
        const ssize_t put = ::write(fd.get(), text.data(), text.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return sys::system_error(concat("cannot write ", draft));
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    if (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0 ||
        ::rename(draft.c_str(), file.c_str()) != 0)
        return sys::system_error(concat("cannot write ", file));
    return {};
}

std::string key_file_of(const Session& session, const InitLine& line) {
    if (!line.key_file.empty()) return line.key_file;
    return session.config_file.substr(0, session.config_file.find_last_of('/') + 1) +
           "keys/cluster.key";
}

Result<void> refuse_existing(const std::string& file, bool force) {
    if (force || ::access(file.c_str(), F_OK) != 0) return {};
    return Error{.code = Code::Exists,
                 .context = concat(file,
                                   " exists already: this machine belongs to a cluster. "
                                   "--force writes over it")};
}

// The file of a new pair, or that of an existing one as it belongs on this node.
Result<std::string> file_text(const Setup& setup, const std::string& self,
                              const std::string& key_file) {
    if (setup.file.empty()) return print_setup(setup, key_file);
    const auto own = std::find_if(setup.nodes.begin(), setup.nodes.end(),
                                  [&self](const SetupNode& node) { return node.name == self; });
    if (own == setup.nodes.end()) return invalid(concat("there is no node called ", self));
    return fitted_to(setup.file, *own, setup.self, key_file);
}

// Checks the text as the daemon would, then writes both files.
Result<void> install(const Session& session, const InitLine& line, const Setup& setup,
                     std::string_view key) {
    const std::string key_file = key_file_of(session, line);
    const std::string self = setup.self.empty() ? own_name() : setup.self;
    const std::string text = XB_TRY(file_text(setup, self, key_file));
    const Result<daemon::Config> read = daemon::parse_config(text, session.config_file, self);
    if (!read) return read.error();
    XB_TRY(refuse_existing(session.config_file, line.force));
    XB_TRY(refuse_existing(key_file, line.force));
    if (line.change.dry_run) return {};
    XB_TRY(write_file(key_file, key, 0400, 0700));
    return write_file(session.config_file, text, 0644, 0755);
}

void say_files(Session& session, const InitLine& line, const Setup& setup) {
    say(session,
        concat(line.change.dry_run ? "would write " : "wrote ", session.config_file, " and ",
               key_file_of(session, line), line.change.dry_run ? " (nothing was written)" : ""));
    for (const SetupNode& node : setup.nodes) {
        std::string text = concat("  ", node.name, ":");
        for (const SetupLink& link : node.links)
            text += concat(" ", link.interface, "=", link.address);
        say(session, text);
    }
}

Result<Duration> life_of_token(const InitLine& line) {
    const std::optional<Duration> life = cib::parse_duration(line.valid_for);
    if (life && *life >= kTokenLifeMin && *life <= kTokenLifeMax) return *life;
    return invalid(concat("--valid-for ", line.valid_for,
                          ": say a time from 60s to 24h, such as 10min or 1h"));
}

// A script goes on after init; a person sees what comes of it.
bool stays_here(const Session& session, const InitLine& line) {
    return line.stays || session.is_interactive || !session.may_detach ||
           session.form != Form::Text;
}

std::string pid_file_of(const Session& session) { return concat(session.run_dir, "-init.pid"); }

// One that an earlier init left waiting would give away a key that is not used any more.
void end_earlier(const Session& session) {
    std::ifstream file(pid_file_of(session));
    pid_t pid = 0;
    if (!(file >> pid) || pid <= 1) return;
    std::error_code error;
    const auto theirs = std::filesystem::read_symlink(concat("/proc/", pid, "/exe"), error);
    const auto ours = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error || theirs != ours) return;
    const sys::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!process.is_open() || ::kill(pid, SIGTERM) != 0) return;
    pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
    (void)::poll(&ended, 1, 5000);
}

// The token for the other node: in a file, or on the screen with the command to paste.
Result<void> tell_token(Session& session, const InitLine& line, const std::string& token) {
    if (!line.token_file.empty()) {
        XB_TRY(write_file(line.token_file, token + "\n", 0400, 0755));
        say(session, concat("\nwrote ", line.token_file, ": copy it to ", line.peer,
                            " and run there, as root: xbeat join ", line.token_file, "\n"));
    } else {
        say(session, concat("\nOn ", line.peer, ", as root, run this (whoever is first with it ",
                            "gets the cluster's key):\n\n  xbeat join ", token, "\n"));
    }
    const bool stays = stays_here(session, line);
    say(session,
        concat(stays ? "This command" : "A process in the background", " waits for that, ",
               line.valid_for, " at most; to end it makes the token void",
               stays ? "." : concat(" (its number stands in ", pid_file_of(session), ").")));
    session.out << std::flush;
    return {};
}

std::string_view again_with(const InitLine& line) {
    return line.is_invitation ? "xbeat invite" : "xbeat init --force";
}

// What a person has to do next.
std::string next_steps(const InitLine& line) {
    if (!line.is_invitation) return "Now, on both: systemctl start xbeatd\n";
    return concat("Now, on ", line.peer, ": systemctl start xbeatd",
                  line.is_renamed
                      ? "; and here: systemctl restart xbeatd, which stops nothing that "
                        "runs\n"
                      : "\n");
}

ExitCode wait_for_joiner(Session& session, const InitLine& line, const Handover& handover,
                         Instant deadline) {
    const Result<Handover::Joined> joined =
        handover.serve(deadline, [&session](const std::string& why) {
            session.err << "xbeat: " << printable(why) << std::endl;
        });
    if (!joined) {
        if (joined.error().code != Code::Timeout) return fail(session, joined.error());
        return fail(session, {.code = Code::Timeout,
                              .context = concat("nobody joined in ", line.valid_for,
                                                ": the token is void; make a new one with '",
                                                again_with(line), "'")});
    }
    if (!joined->is_confirmed) {
        return fail(
            session,
            {.code = Code::Unavailable,
             .context = concat(
                 joined->address, " has taken the key and did not say that it wrote it down. ",
                 "Look there; if it has none, '", again_with(line), "' makes a new token")});
    }
    say(session,
        concat(line.peer, " has joined from ", joined->address, "; the token is used up.\n",
               next_steps(line), "'xbeat doctor' checks what usually goes wrong."));
    return ExitCode::Ok;
}

// The same without anybody to tell but the system's log.
ExitCode wait_in_background(const Session& session, const InitLine& line, const Handover& handover,
                            Instant deadline) {
    std::ostringstream said;
    Session quiet{.in = session.in, .out = said, .err = said};
    const ExitCode code = wait_for_joiner(quiet, line, handover, deadline);
    ::openlog("xbeat-init", LOG_PID, LOG_DAEMON);
    ::syslog(code == ExitCode::Ok ? LOG_NOTICE : LOG_ERR, "%s", said.str().c_str());
    (void)::unlink(pid_file_of(session).c_str());
    return code;
}

ExitCode serve(Session& session, const InitLine& line, const Handover& handover, Instant deadline) {
    if (stays_here(session, line)) return wait_for_joiner(session, line, handover, deadline);
    const Result<void> detached = sys::detach(pid_file_of(session));
    if (!detached) return fail(session, detached.error());
    return wait_in_background(session, line, handover, deadline);
}

ExitCode run_init(Session& session, const InitLine& given) {
    InitLine line = given;
    const Result<Duration> life = life_of_token(line);
    if (!life) return fail(session, life.error());
    if (session.form != Form::Text && line.token_file.empty() && !line.change.dry_run) {
        return fail_usage(session,
                          "a document is printed at the end, too late for the token: "
                          "give --token-file as well",
                          "xbeat init");
    }
    const Result<void> asked = ask_for_missing(session, line);
    if (!asked) return fail(session, asked.error());
    const Result<Setup> setup = make_setup(line);
    if (!setup) return fail(session, setup.error());
    const std::string key = random_key();
    if (line.change.dry_run) {
        const Result<void> installed = install(session, line, *setup, key);
        if (!installed) return fail(session, installed.error());
        say_files(session, line, *setup);
        return ExitCode::Ok;
    }
    if (line.force) end_earlier(session);
    // Before anything is written: a port that is taken is found now.
    const Instant deadline = sys::boot_now() + *life;
    const EpochSeconds expires{sys::calendar_now().value +
                               std::chrono::duration_cast<std::chrono::seconds>(*life).count()};
    const Result<Handover> handover = Handover::open(*setup, key, expires);
    if (!handover) return fail(session, handover.error());
    const Result<void> installed = install(session, line, *setup, key);
    if (!installed) return fail(session, installed.error());
    say_files(session, line, *setup);
    const Result<void> told = tell_token(session, line, make_token(handover->invitation()));
    if (!told) return fail(session, told.error());
    return serve(session, line, *handover, deadline);
}

// A pair as it stands in its file, this node first, with the other node's name. The links of both
// nodes are those of one name.
Result<Setup> existing_setup(const daemon::Config& config, std::string text,
                             const std::string& peer_name) {
    const daemon::NodeConfig& own = config.self_node();
    const daemon::NodeConfig* const peer = config.find(config.peer());
    if (config.nodes.size() != 2 || peer == nullptr) {
        return invalid(concat("this is no pair: ", config.nodes.size(),
                              config.nodes.size() == 1 ? " node stands" : " nodes stand",
                              " in the configuration"));
    }
    Setup setup{.cluster = config.cluster,
                .profile = config.profile,
                .arbiter = {},
                .self = {},
                .port = config.port,
                .nodes = {{.name = own.name, .id = own.id.value, .links = {}},
                          {.name = peer_name.empty() ? peer->name : peer_name,
                           .id = peer->id.value,
                           .links = {}}},
                .file = std::move(text)};
    for (const daemon::LinkConfig& link : own.links) {
        for (const daemon::LinkConfig& other : peer->links) {
            if (other.name != link.name) continue;
            setup.nodes[0].links.push_back(
                {.interface = link.interface, .address = heart::to_string(link.address)});
            setup.nodes[1].links.push_back(
                {.interface = other.interface, .address = heart::to_string(other.address)});
        }
    }
    setup.file = XB_TRY(with_node_name(setup.file, peer->id.value, setup.nodes[1].name));
    // What is handed over has to be usable, with the new name too.
    const Result<daemon::Config> read = daemon::parse_config(setup.file, "xbeat.toml", own.name);
    if (!read) return read.error();
    return setup;
}

// Two machines of one name would be let in one after the other: not while the first is there.
Result<void> refuse_present_peer(const Session& session, const std::string& peer) {
    const Result<StatusInput> input = ask_status(session);
    // Without a daemon here nobody can be in.
    if (!input && input.error().code == Code::Unavailable) return {};
    if (!input) return input.error();
    for (const PeerStatus& one : input->peers) {
        if (one.name != peer || (!one.is_member && !one.has_channel)) continue;
        return Error{.code = Code::Unsafe,
                     .context = concat(peer, " is there: a second machine in its place would get ",
                                       "the same name and addresses. Run 'xbeat shutdown' on it ",
                                       "first, if it is to be replaced")};
    }
    return {};
}

ExitCode run_invite(Session& session, const InitLine& given) {
    InitLine line = given;
    line.is_invitation = true;
    const Result<Duration> life = life_of_token(line);
    if (!life) return fail(session, life.error());
    const Result<daemon::Config> config = daemon::load_config(session.config_file);
    if (!config) return fail(session, config.error());
    const Result<heart::Secret> secret = daemon::load_key(config->key_file);
    if (!secret) return fail(session, secret.error());
    std::ifstream file(session.config_file, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(file), {});
    const Result<Setup> setup = existing_setup(*config, std::move(text), line.peer);
    if (!setup) return fail(session, setup.error());
    const std::string old_name = config->find(config->peer())->name;
    line.peer = setup->nodes[1].name;
    line.is_renamed = line.peer != old_name;
    const Result<void> absent = refuse_present_peer(session, old_name);
    if (!absent) return fail(session, absent.error());
    if (line.is_renamed) {
        say(session, concat(line.change.dry_run ? "would call " : "calls ", old_name, " ",
                            line.peer, " in ", session.config_file));
    }
    if (line.change.dry_run) {
        say(session, concat("would make a token for ", line.peer, " (nothing was written)"));
        return ExitCode::Ok;
    }
    end_earlier(session);
    const Instant deadline = sys::boot_now() + *life;
    const EpochSeconds expires{sys::calendar_now().value +
                               std::chrono::duration_cast<std::chrono::seconds>(*life).count()};
    const std::string key(reinterpret_cast<const char*>(secret->data()), secret->size());
    const Result<Handover> handover = Handover::open(*setup, key, expires);
    if (!handover) return fail(session, handover.error());
    if (line.is_renamed) {
        const Result<void> written = write_file(session.config_file, setup->file, 0644, 0755);
        if (!written) return fail(session, written.error());
    }
    const Result<void> told = tell_token(session, line, make_token(handover->invitation()));
    if (!told) return fail(session, told.error());
    return serve(session, line, *handover, deadline);
}

// The interfaces of the joining node may have other names: the addresses count.
void fit_interfaces(SetupNode& node, const std::vector<LocalAddress>& addresses,
                    std::vector<std::string>& missing) {
    for (SetupLink& link : node.links) {
        const auto found =
            std::find_if(addresses.begin(), addresses.end(),
                         [&](const LocalAddress& one) { return one.address == link.address; });
        if (found == addresses.end()) {
            missing.push_back(link.address);
        } else {
            link.interface = found->interface;
        }
    }
}

Result<std::string> token_text(Session& session, const std::string& word) {
    if (word.starts_with("xb1.") || word.starts_with("xb2.")) return word;
    return read_input(session, word);
}

Result<Setup> fitted_setup(Setup setup, const InitLine& line) {
    const std::string self = line.self.empty() ? own_name() : line.self;
    setup.self = line.self;
    const auto own = std::find_if(setup.nodes.begin(), setup.nodes.end(),
                                  [&](const SetupNode& node) { return node.name == self; });
    if (own == setup.nodes.end()) {
        std::string names;
        for (const SetupNode& node : setup.nodes) names += " " + node.name;
        return invalid(concat("this machine is called ", self, ", and the token is for", names,
                              "; say which it is with --self NAME"));
    }
    const std::vector<LocalAddress> addresses = XB_TRY(local_addresses());
    std::vector<std::string> missing;
    fit_interfaces(*own, addresses, missing);
    if (missing.empty()) return setup;
    std::string list;
    for (const std::string& address : missing) list += " " + address;
    return invalid(concat("no interface of this machine has the address", list,
                          "; give it one first, or repeat 'xbeat init' with the right one. It has:",
                          listed(addresses)));
}

ExitCode run_join(Session& session, const InitLine& line) {
    const Result<std::string> text = token_text(session, line.token);
    if (!text) return fail(session, text.error());
    const Result<Invitation> invitation = read_token(*text);
    if (!invitation) return fail(session, invitation.error());
    Result<Joiner> joiner = Joiner::connect(*invitation, sys::calendar_now());
    if (!joiner) return fail(session, joiner.error());
    const Result<Setup> setup = fitted_setup(joiner->setup(), line);
    if (!setup) return fail(session, setup.error());
    // What stands in the way on this machine must not use the token up.
    InitLine look = line;
    look.change.dry_run = true;
    const Result<void> possible = install(session, look, *setup, {});
    if (!possible) return fail(session, possible.error());
    if (line.change.dry_run) {
        say_files(session, line, *setup);
        return ExitCode::Ok;
    }
    const Result<std::string> key = joiner->take_key();
    if (!key) return fail(session, key.error());
    const Result<void> installed = install(session, line, *setup, *key);
    if (!installed) return fail(session, installed.error());
    joiner->confirm();
    say_files(session, line, *setup);
    say(session, "\nNow: systemctl start xbeatd\n'xbeat doctor' checks what usually goes wrong.");
    return ExitCode::Ok;
}

void add_common(Command& verb, const std::shared_ptr<InitLine>& line) {
    verb.option("--self", line->self, "NAME", "This node's name, if not its host name");
    verb.option("--key-file", line->key_file, "FILE", "Where the key goes");
    verb.flag("--force", line->force, "Write over a configuration that exists");
}

}  // namespace

void add_init(const Command& root) {
    Command verb =
        root.verb("init", "Make a new pair: this node's files, and a token for the other");
    if (!verb.is_wanted()) return;
    const auto line = std::make_shared<InitLine>();
    verb.option("--cluster", line->cluster, "NAME", "What it is called; default: cluster");
    verb.option("--peer", line->peer, "NAME", "The other node's name, as 'uname -n' gives it");
    verb.list(
        "--link", line->links, "INTERFACE=ADDRESS",
        "An interconnect: our interface and the peer's address on it; once for each. Default: "
        "every network of two hosts");
    verb.option("--profile", line->profile, "NAME",
                "How fast: metal-fast, metal, vm, cloud, compat; default vm");
    verb.option_of("--arbiter", line->arbiter, {"fence", "none"},
                   "Who breaks the tie: fence devices (default), or nobody");
    verb.number("--port", line->port, {1, 65535}, "PORT", "UDP and TCP; 7455 if not given");
    verb.option("--token-file", line->token_file, "FILE",
                "Write the token there, not to the screen");
    verb.option("--valid-for", line->valid_for, "TIME",
                "How long to wait for the other node, 60s to 24h; default 1h");
    verb.flag("--foreground", line->stays,
              "Stay until the other node has joined, as on a terminal, also in a script");
    add_common(verb, line);
    verb.footer(
        "Examples:\n  xbeat init --peer pm02 --link eth1=10.77.1.2 --link eth2=10.77.2.2\n"
        "  xbeat init --cluster web --peer pm02 --profile metal --token-file /root/token");
    verb.makes(line->change, with(line, run_init));
}

void add_invite(const Command& root) {
    Command verb =
        root.verb("invite", "A token for a machine that takes a dead node's place in the pair");
    if (!verb.is_wanted()) return;
    const auto line = std::make_shared<InitLine>();
    verb.word("NAME", line->peer, "What it is called; default: as the dead node was");
    verb.option("--token-file", line->token_file, "FILE",
                "Write the token there, not to the screen");
    verb.option("--valid-for", line->valid_for, "TIME",
                "How long to wait for it, 60s to 24h; default 1h");
    verb.flag("--foreground", line->stays,
              "Stay until it has joined, as on a terminal, also in a script");
    verb.footer("Examples:\n  xbeat invite\n  xbeat invite pm03 --token-file /root/token");
    verb.makes(line->change, with(line, run_invite));
}

void add_join(const Command& root) {
    Command verb = root.verb("join", "Join the pair that made this token");
    if (!verb.is_wanted()) return;
    const auto line = std::make_shared<InitLine>();
    verb.required("TOKEN", line->token, "What 'xbeat init' or 'invite' printed, or a file with it");
    add_common(verb, line);
    verb.footer("Example:\n  xbeat join /root/token");
    verb.makes(line->change, with(line, run_join));
}

}  // namespace xbeat::cli
