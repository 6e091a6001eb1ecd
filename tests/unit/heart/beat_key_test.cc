#include "heart/beat_key.h"

#include <gtest/gtest.h>

#include <set>

namespace xbeat::heart {
namespace {

Secret secret() {
    Secret made{};
    for (std::size_t i = 0; i < made.size(); i++) made.at(i) = static_cast<std::uint8_t>(i);
    return made;
}

const BeatKeyLabel kLabel = {.cluster_tag = 0xc1,
                             .sender = NodeId{1},
                             .receiver = NodeId{2},
                             .path = PathId{0},
                             .key_id = KeyId{0}};

// Other implementations and other releases must derive the same. The value was computed with
// Python's hmac module, as RFC 5869 describes it: extract with an empty salt, then one block of
// expand.
TEST(BeatKey, IsTheOneThatTheProtocolSays) {
    const BeatKey key = derive_beat_key(secret(), kLabel).value();

    EXPECT_EQ(key[0], 0xe44dd0af2de44e8dU);
    EXPECT_EQ(key[1], 0x7de6df598bbe745aU);
}

TEST(BeatKey, DiffersInEachFieldOfTheLabelAndInDirection) {
    std::vector<BeatKeyLabel> labels(6, kLabel);
    labels[1].cluster_tag++;
    std::swap(labels[2].sender, labels[2].receiver);
    labels[3].receiver.value = 3;
    labels[4].path.value = 1;
    labels[5].key_id.value = 1;

    std::set<BeatKey> keys;
    for (const BeatKeyLabel& label : labels) keys.insert(derive_beat_key(secret(), label).value());

    EXPECT_EQ(keys.size(), labels.size());
}

TEST(BeatKey, DiffersWithOneBitOfTheSecret) {
    Secret other = secret();
    other.back() ^= 1U;

    EXPECT_NE(derive_beat_key(secret(), kLabel).value(), derive_beat_key(other, kLabel).value());
}

}  // namespace
}  // namespace xbeat::heart
