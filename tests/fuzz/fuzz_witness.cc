// The witness's datagrams, as they come from the network once their tag fits: whatever is taken is
// a value that encodes to the same bytes, and the ledger and the asker survive it.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "arbiter/witness_asker.h"
#include "arbiter/witness_ledger.h"

namespace {

using namespace xbeat;  // NOLINT: a program of one page

constexpr Instant kNow{1h};

/// The tag is not looked at, so it may be anything.
void check_same(const wire::WitnessDatagram& again, std::span<const std::uint8_t> bytes) {
    if (std::memcmp(again.data(), bytes.data(), wire::kWitnessBodyBytes) != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span<const std::uint8_t> bytes(data, size);
    if (const auto request = wire::decode_witness_request(bytes)) {
        check_same(wire::encode_witness(*request), bytes);
        arbiter::WitnessLedger ledger({.life = 7, .started = kNow - 20s, .clusters = 1});
        const wire::WitnessAnswer answer = ledger.answer(0, *request, kNow);
        // What the witness says is what a node understands.
        if (!wire::decode_witness_answer(wire::encode_witness(answer))) std::abort();
    }
    if (const auto answer = wire::decode_witness_answer(bytes)) {
        check_same(wire::encode_witness(*answer), bytes);
        arbiter::WitnessAsker asker({.cluster = 1, .node = NodeId{1}, .life = 1});
        asker.ask({.id = 1, .kind = wire::WitnessKind::Claim, .lease = 1s, .deadline = kNow + 1s},
                  kNow);
        asker.take(*answer, kNow + 1ms);
    }
    return 0;
}
