#include "cli/base_version.h"

#include <pwd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "cib/crm_print.h"
#include "cli/change.h"
#include "cli/history.h"
#include "cli/words.h"
#include "core/text.h"

namespace xbeat::cli {
namespace {

using cib::Element;
using cib::Version;

constexpr std::string_view kMark = "# xbeat configuration ";

// Changes of the status count no configuration.
Version configuration_version(Version version) {
    version.num_updates = 0;
    return version;
}

// "0.17" or "0.17.3"; nothing for any other text.
std::optional<Version> parse_version(std::string_view text) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(dot + 1);
    const auto admin_epoch = parse_integer(text.substr(0, dot));
    const auto epoch = parse_integer(rest.substr(0, rest.find('.')));
    if (!admin_epoch || *admin_epoch < 0) return std::nullopt;
    if (!epoch || *epoch < 0) return std::nullopt;
    return Version{.admin_epoch = static_cast<std::uint64_t>(*admin_epoch),
                   .epoch = static_cast<std::uint64_t>(*epoch)};
}

// The daemon knows who asked by number: "uid 0". A name says more, where there is one.
std::string user_text(std::string_view user) {
    constexpr std::string_view kUid = "uid ";
    const auto uid =
        user.starts_with(kUid) ? parse_integer(user.substr(kUid.size())) : std::nullopt;
    if (!uid) return printable(user);
    std::array<char, 4096> room{};
    passwd entry{};
    passwd* found = nullptr;
    const int outcome =
        ::getpwuid_r(static_cast<uid_t>(*uid), &entry, room.data(), room.size(), &found);
    if (outcome != 0 || found == nullptr) return printable(user);
    return printable(entry.pw_name);
}

// One configuration of the past, or the present one.
struct Told {
    std::string when;
    Element cib;
};

std::string heading_of(const Told& told) {
    std::string text = concat("\n  ", version_text(cib::version_of(told.cib)));
    if (!told.when.empty()) text += concat("  ", told.when);
    if (told.cib.has("update-user")) text += concat("  ", user_text(told.cib.get("update-user")));
    if (told.cib.has("update-origin"))
        text += concat(" on ", printable(told.cib.get("update-origin")));
    return text;
}

std::string differences_of(const Element& before, const Element& after) {
    const std::vector<cib::Change> changes =
        cib::diff(configuration_of(before), configuration_of(after));
    std::string text;
    std::size_t told = 0;
    for (const cib::Change& change : changes) {
        if (told == kToldDifferencesMax) break;
        text += concat("\n    ", printable(cib::to_string(change)));
        ++told;
    }
    if (told < changes.size()) text += concat("\n    and ", changes.size() - told, " more");
    return text;
}

// What this node remembers from `base` on, oldest first; the configuration of `base` itself in
// front if it is still there. Empty if it remembers nothing: that is no reason to fail.
std::vector<Told> remembered_since(const Session& session, const Version& base) {
    const Result<std::vector<HistoryEntry>> entries = fetch_history(session, kHistoryRowsMax);
    if (!entries) return {};
    std::vector<HistoryEntry> wanted;
    for (const HistoryEntry& entry : *entries) {
        const std::optional<Version> version = parse_version(entry.version);
        if (entry.kind == "configuration" && version && *version >= base) wanted.push_back(entry);
    }
    const std::size_t most = kTellersMax + 1;
    if (wanted.size() > most) wanted.erase(wanted.begin(), wanted.end() - most);
    std::vector<Told> told;
    for (const HistoryEntry& entry : wanted) {
        Result<HistoryEntry> whole = fetch_history_entry(session, entry.number);
        if (!whole) return {};
        told.push_back({.when = date_and_clock_text(whole->time_ms), .cib = std::move(whole->cib)});
    }
    return told;
}

std::string story_of(const Session& session, const Element& cib, const Version& base) {
    std::vector<Told> told = remembered_since(session, base);
    // The past is written a little later than the present.
    const Version present = configuration_version(cib::version_of(cib));
    const auto is_present = [&](const Told& one) {
        return configuration_version(cib::version_of(one.cib)) == present;
    };
    if (std::none_of(told.begin(), told.end(), is_present))
        told.push_back({.when = std::string(cib.get("cib-last-written")), .cib = cib});
    const Version first = configuration_version(cib::version_of(told.front().cib));
    std::string text;
    if (first.admin_epoch == base.admin_epoch && first.epoch > base.epoch + 1)
        text = concat("\n  ", first.epoch - base.epoch - 1, " earlier");
    for (std::size_t i = 0; i < told.size(); ++i) {
        if (i == 0 && first == base) continue;
        text += heading_of(told[i]);
        if (i > 0) text += differences_of(told[i - 1].cib, told[i].cib);
    }
    return text;
}

}  // namespace

std::string print_saved(const Element& cib, bool as_xml) {
    if (!as_xml) {
        return concat(kMark, version_text(cib::version_of(cib)),
                      ": if that has changed, 'configure load replace' refuses this file\n",
                      cib::print_crm(configuration_of(cib)));
    }
    Element saved = cib;
    std::erase_if(saved.children, [](const Element& child) { return child.name == "status"; });
    return cib::print_xml(saved);
}

SavedText read_saved(std::string text) {
    if (trim(text).starts_with('<')) {
        const Result<Element> document = cib::parse_xml(text);
        // What is wrong with it is told by whoever loads it.
        if (!document || document->name != "cib" || !document->has("epoch"))
            return {.text = std::move(text)};
        return {.text = std::move(text), .base = configuration_version(cib::version_of(*document))};
    }
    // A person may have put lines above it.
    const std::size_t begins = text.starts_with(kMark) ? 0 : text.find(concat('\n', kMark));
    if (begins == std::string::npos) return {.text = std::move(text)};
    const std::size_t at = text.find(kMark, begins);
    const std::string line = text.substr(at, text.find('\n', at) - at);
    const std::string_view rest = std::string_view(line).substr(kMark.size());
    const std::optional<Version> base = parse_version(rest.substr(0, rest.find(':')));
    text.erase(at, line.size());
    return {.text = std::move(text), .base = base};
}

Result<void> refuse_outdated(const Session& session, const Element& cib, const Version& base,
                             std::string_view what) {
    const Version present = configuration_version(cib::version_of(cib));
    if (present <= configuration_version(base)) return {};
    return Error{
        .code = Code::Conflict,
        .context = concat(what, " was made from configuration ", version_text(base),
                          ", and somebody else changed it since; nothing was changed now. ",
                          "Their changes:", story_of(session, cib, configuration_version(base)))};
}

}  // namespace xbeat::cli
