// crm_mon's daemon mode, which ocf:pacemaker:ClusterMon uses: a page that is written again and
// again by a process in the background.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace xbeat::shim {

struct Background {
    std::string pid_file;            // empty: none is written
    std::vector<std::string> words;  // what the process in the background is to do
};

/// The words of `xbeat mon` that do in the foreground what crm_mon -d does in the background:
/// without -d and -p FILE, with --as-html FILE for -h FILE and for --output-as=html
/// --output-to=FILE. Nothing without -d.
[[nodiscard]] std::optional<Background> as_background(const std::vector<std::string>& words);

}  // namespace xbeat::shim
