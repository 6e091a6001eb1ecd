// Two texts, split at a zero byte: the second updates the first; then objects are removed and
// renamed. Nothing may fail but with an error, and an error must leave the configuration as it was.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "cib/crm_parse.h"
#include "cib/crm_print.h"
#include "cib/duration.h"
#include "cib/edit.h"
#include "cib/flat.h"
#include "core/check.h"

using namespace xbeat;
using namespace xbeat::cib;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t zero = std::min(input.find('\0'), input.size());
    const std::string_view second =
        zero < input.size() ? input.substr(zero + 1) : std::string_view();
    (void)parse_duration(second);
    const Result<Element> base = load_replace(input.substr(0, zero));
    if (!base) return 0;
    const Result<Element> updated = load_update(*base, second);
    if (!updated) return 0;
    (void)diff(*base, *updated);

    Element configuration = *updated;
    const std::vector<Element> objects = flatten(configuration);
    for (std::size_t i = 0; i < std::min<std::size_t>(objects.size(), 8); ++i) {
        const std::string id(objects[i].get("id"));
        const Element before = configuration;
        if (!rename_object(configuration, id, "renamed")) XB_CHECK(configuration == before);
        const Element renamed = configuration;
        if (!remove_objects(configuration, std::vector<std::string>{id}, Force::No))
            XB_CHECK(configuration == renamed);
        (void)remove_objects(configuration, std::vector<std::string>{id}, Force::Yes);
    }
    (void)print_crm(configuration);
    return 0;
}
