// A .tar.gz in memory: the few files of a report.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace xbeat::cli {

/// Files in the order in which they are added; ustar, mode 0600, owner root.
class Archive {
public:
    /// `time_s`: its time, Unix. Requires: a relative name of 1 to 99 bytes.
    void add(std::string_view name, std::string_view content, std::int64_t time_s);
    /// The whole, compressed. Errors: Limit past 4 GiB.
    [[nodiscard]] Result<std::string> finish() const;

private:
    std::string bytes_;
};

}  // namespace xbeat::cli
