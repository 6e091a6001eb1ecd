// The cluster secret's file, checked before it is believed (see config.h).
#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>

#include "daemon/config.h"
#include "sys/secret_file.h"

namespace xbeat::daemon {

Result<heart::Secret> load_key(const std::string& file) {
    Result<std::string> text = sys::read_secret_file(file, kKeyBytes);
    const bool is_longer = !text && text.error().code == Code::Limit;
    if (!text && !is_longer) {
        Error error = text.error();
        if (error.code == Code::NotFound)
            error.context +=
                fmt::format(": `xbeat keygen {}` on one node, then copy it to the others", file);
        return error;
    }
    heart::Secret secret{};
    if (!is_longer && text->size() == kKeyBytes) {
        std::copy(text->begin(), text->end(), secret.begin());
        ::OPENSSL_cleanse(text->data(), text->size());
        return secret;
    }
    const std::size_t count = is_longer ? kKeyBytes : text->size();
    if (!is_longer) ::OPENSSL_cleanse(text->data(), text->size());
    return Error{
        .code = Code::Invalid,
        .context = fmt::format("the key file {} has {} {} bytes; a key has exactly {}: copy it "
                               "again from the other node, or make one with `xbeat keygen {}`",
                               file, is_longer ? "more than" : "only", count, kKeyBytes, file)};
}

}  // namespace xbeat::daemon
