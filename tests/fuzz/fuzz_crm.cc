// Any bytes as text in the crm language: errors with a line, or a configuration that is said and
// read back the same.
#include <cstddef>
#include <cstdint>

#include "cib/crm_parse.h"
#include "cib/crm_print.h"
#include "cib/flat.h"
#include "cib/validate.h"
#include "core/check.h"

using namespace xbeat;
using namespace xbeat::cib;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Result<Element> read = parse_crm({reinterpret_cast<const char*>(data), size});
    if (!read) {
        XB_CHECK(!read.error().context.empty());
        return 0;
    }
    (void)validate(*read);
    const std::string text = print_crm(*read);
    const Result<Element> again = parse_crm(text);
    XB_CHECK(again.has_value());
    XB_CHECK(print_crm(*again) == text);
    const Result<Element> document = parse_xml(print_xml(*read));
    XB_CHECK(document.has_value());
    return 0;
}
