#include "cli/archive.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "core/check.h"

namespace xbeat::cli {
namespace {

constexpr std::size_t kBlock = 512;

void put(std::array<char, kBlock>& header, std::size_t at, std::string_view text) {
    std::copy(text.begin(), text.end(), header.begin() + static_cast<std::ptrdiff_t>(at));
}

// POSIX ustar, IEEE Std 1003.1, pax, "ustar Interchange Format".
std::array<char, kBlock> header_of(std::string_view name, std::size_t size, std::int64_t time_s) {
    std::array<char, kBlock> header{};
    put(header, 0, name);
    put(header, 100, "0000600");
    put(header, 108, "0000000");
    put(header, 116, "0000000");
    put(header, 124, fmt::format("{:011o}", size));
    put(header, 136, fmt::format("{:011o}", std::max<std::int64_t>(0, time_s)));
    put(header, 148, "        ");
    header[156] = '0';
    put(header, 257, std::string_view("ustar\00000", 8));
    unsigned sum = 0;
    for (const char byte : header) sum += static_cast<unsigned char>(byte);
    put(header, 148, fmt::format("{:06o}", sum));
    header[154] = '\0';
    return header;
}

}  // namespace

void Archive::add(std::string_view name, std::string_view content, std::int64_t time_s) {
    XB_CHECK(!name.empty());
    XB_CHECK(name.size() < 100);
    const std::array<char, kBlock> header = header_of(name, content.size(), time_s);
    bytes_.append(header.data(), header.size());
    bytes_.append(content);
    bytes_.append((kBlock - content.size() % kBlock) % kBlock, '\0');
}

Result<std::string> Archive::finish() const {
    const std::string whole = bytes_ + std::string(2 * kBlock, '\0');
    if (whole.size() > std::numeric_limits<uInt>::max())
        return Error{.code = Code::Limit, .context = "the report is larger than 4 GiB"};
    z_stream stream{};
    // 16 asks for gzip's header instead of zlib's.
    XB_CHECK(::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8,
                            Z_DEFAULT_STRATEGY) == Z_OK);
    std::string packed(::deflateBound(&stream, whole.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(whole.data()));
    stream.avail_in = static_cast<uInt>(whole.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    const int outcome = ::deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    ::deflateEnd(&stream);
    XB_CHECK(outcome == Z_STREAM_END);
    return packed;
}

}  // namespace xbeat::cli
