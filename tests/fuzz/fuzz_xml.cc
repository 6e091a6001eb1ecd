// Any bytes as a CIB: read, upgraded, checked, said in the crm language and read again, with the
// same meaning.
#include <cstddef>
#include <cstdint>

#include "cib/crm_parse.h"
#include "cib/crm_print.h"
#include "cib/flat.h"
#include "cib/upgrade.h"
#include "cib/validate.h"
#include "core/check.h"

using namespace xbeat;
using namespace xbeat::cib;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Result<Element> read = parse_xml({reinterpret_cast<const char*>(data), size});
    if (!read) return 0;
    const Result<Element> again = parse_xml(print_xml(*read));
    XB_CHECK(again.has_value());
    XB_CHECK(*again == *read);

    Element document = *read;
    (void)upgrade(document);
    XB_CHECK(upgrade(document).empty());
    const std::vector<Problem> problems = validate(document);
    const Element* configuration =
        document.name == "cib" ? document.child("configuration") : &document;
    if (configuration == nullptr || has_error(problems)) return 0;

    const Result<Element> said = parse_crm(print_crm(*configuration));
    XB_CHECK(said.has_value());
    XB_CHECK(print_crm(*said) == print_crm(*configuration));
    return 0;
}
