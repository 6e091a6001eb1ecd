#include "cli/differences.h"

namespace xbeat::cli {
namespace {

std::string_view word_of(cib::Change::Kind kind) {
    switch (kind) {
        case cib::Change::Kind::Added:
            return "added";
        case cib::Change::Kind::Removed:
            return "removed";
        case cib::Change::Kind::Changed:
            break;
    }
    return "changed";
}

}  // namespace

Answer answer_of(const std::vector<cib::Change>& changes) {
    Answer answer{.document = {{"changes", Document::array()}}};
    for (const cib::Change& change : changes) {
        answer.text += cib::to_string(change) + "\n";
        answer.document["changes"].push_back({{"change", word_of(change.kind)},
                                              {"kind", change.what},
                                              {"id", change.id},
                                              {"details", change.details}});
    }
    if (changes.empty()) answer.text = "no difference\n";
    return answer;
}

}  // namespace xbeat::cli
