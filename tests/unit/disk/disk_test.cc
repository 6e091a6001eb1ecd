// The shared disk's bytes, and two daemons' sides of it over one file with real direct access.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>

#include "disk/block.h"
#include "disk/client.h"
#include "sys/boot_clock.h"

namespace xbeat::disk {
namespace {

using arbiter::ArbiterAnswer;
using arbiter::Asking;
using arbiter::DiskBlock;
using arbiter::Reply;

const std::array<std::uint8_t, 32> kSecret{4, 5, 6};

DiskKey key(std::string_view cluster = "lab") { return *derive_disk_key(kSecret, cluster); }

TEST(DiskBlocks, ABlockComesBackAsItWas) {
    const DiskBlock block{.number = 7, .life = 9, .is_up = true, .lease = 3s};
    Slot slot{};

    write_block(slot, key(), NodeId{2}, block);

    EXPECT_EQ(read_block(slot, key(), NodeId{2}), block);
}

TEST(DiskBlocks, OneThatWasNeverWrittenIsEmpty) {
    EXPECT_EQ(read_block(Slot{}, key(), NodeId{1}), DiskBlock{});
}

TEST(DiskBlocks, TornForeignAndMisplacedOnesAreDamaged) {
    Slot slot{};
    write_block(slot, key(), NodeId{2}, {.number = 7, .life = 9, .is_up = true, .lease = 3s});

    EXPECT_FALSE(read_block(slot, key(), NodeId{1}));
    EXPECT_FALSE(read_block(slot, key("other"), NodeId{2}));
    for (std::size_t bit = 0; bit < 8 * kBlockBytes; bit += 3) {
        Slot wrong = slot;
        wrong[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        EXPECT_FALSE(read_block(wrong, key(), NodeId{2})) << bit;
    }
}

TEST(DiskBlocks, AHeaderTellsWhoseDiskItIs) {
    Slot slot{};
    EXPECT_EQ(read_header(slot, key()), HeaderState::Blank);
    write_header(slot, key());
    EXPECT_EQ(read_header(slot, key()), HeaderState::Ours);
    EXPECT_EQ(read_header(slot, key("other")), HeaderState::Foreign);
    slot[0] ^= 1;
    EXPECT_EQ(read_header(slot, key()), HeaderState::Foreign);
    write_block(slot, key(), NodeId{1}, {});
    EXPECT_EQ(read_header(slot, key()), HeaderState::Foreign) << "a block is no header";
}

class SharedDisk : public testing::Test {
protected:
    SharedDisk() : ring_(*ring::Ring::create({})), path_(testing::TempDir() + "shared.disk") {
        prepare(key());
    }
    ~SharedDisk() override {
        ring_.reset();  // before the buffers that the kernel may still write into
        std::filesystem::remove(path_);
    }

    void prepare(const DiskKey& with) {
        Slot slot{};
        write_header(slot, with);
        std::vector<char> bytes(kDiskBytes);
        std::copy(slot.begin(), slot.end(), bytes.begin());
        std::ofstream(path_, std::ios::binary).write(bytes.data(), std::ssize(bytes));
    }
    /// Whether the folder's file system can do direct access at all.
    [[nodiscard]] bool has_direct_access() const {
        return sys::Fd(::open(path_.c_str(), O_RDWR | O_DIRECT)).is_open();
    }
    std::unique_ptr<Client> node(std::uint16_t id) {
        auto made = std::make_unique<Client>(
            Client::Options{.path = path_,
                            .self = NodeId{id},
                            .other = NodeId{static_cast<std::uint16_t>(3 - id)},
                            .life = 50U + id},
            key(), *ring_);
        return made;
    }
    /// One of them goes on until it has answered.
    ArbiterAnswer ask(Client& client, Asking asking, Duration patience = 2s) {
        client.ask({.arbiter = arbiter::ArbiterKind::Disk,
                    .request = ++request_,
                    .asking = asking,
                    .lease = 300ms,
                    .patience = patience},
                   sys::boot_now());
        while (true) {
            client.tick(sys::boot_now());
            const std::vector<ArbiterAnswer> answers = client.take_answers();
            if (!answers.empty()) {
                EXPECT_EQ(answers.size(), 1U);
                EXPECT_EQ(answers.front().request, request_);
                return answers.front();
            }
            ring_->timeout_at(sys::boot_now() + 5ms, {.op = ring::Op::Timer});
            const auto waited = ring_->wait([&](const ring::Completion& completion) {
                if (completion.token.op == ring::Op::ArbiterDisk)
                    client.complete(completion, sys::boot_now());
            });
            EXPECT_TRUE(waited);
        }
    }

    std::optional<ring::Ring> ring_;
    std::string path_;
    std::uint64_t request_ = 0;
};

TEST_F(SharedDisk, GivesTheLeaseToOneAndThenToTheOther) {
    if (!has_direct_access()) GTEST_SKIP() << "this file system has no direct access";
    const auto one = node(1);
    const auto two = node(2);

    const ArbiterAnswer granted = ask(*one, Asking::Claim);
    EXPECT_EQ(granted.reply, Reply::Granted) << granted.reason;
    EXPECT_GT(granted.until, sys::boot_now());
    const ArbiterAnswer refused = ask(*two, Asking::Claim);
    EXPECT_EQ(refused.reply, Reply::Refused) << refused.reason;
    EXPECT_EQ(refused.holder, NodeId{1});
    EXPECT_EQ(ask(*one, Asking::Release).reply, Reply::Released);
    EXPECT_EQ(ask(*two, Asking::Claim).reply, Reply::Granted);
}

TEST_F(SharedDisk, ADiskThatIsNotThereIsToldAndNoReasonNotToStart) {
    std::filesystem::remove(path_);
    const auto one = node(1);

    const ArbiterAnswer told = ask(*one, Asking::Claim, 20ms);

    EXPECT_EQ(told.reply, Reply::Unreachable);
    EXPECT_NE(told.reason.find("cannot open"), std::string::npos) << told.reason;
    EXPECT_NE(one->trouble().find(path_), std::string::npos);
    const std::vector<Note> notes = one->take_notes();
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_EQ(notes[0].kind, "disk-unusable");
}

TEST_F(SharedDisk, ADiskOfAnotherClusterIsNotTouched) {
    if (!has_direct_access()) GTEST_SKIP() << "this file system has no direct access";
    prepare(key("other"));
    const auto one = node(1);

    const ArbiterAnswer told = ask(*one, Asking::Claim, 50ms);

    EXPECT_EQ(told.reply, Reply::Unreachable);
    EXPECT_NE(told.reason.find("another cluster"), std::string::npos) << told.reason;
    std::ifstream in(path_, std::ios::binary);
    in.seekg(kSlotBytes);
    EXPECT_EQ(in.get(), 0) << "the block of node 1 is as it was";
}

TEST_F(SharedDisk, ADiskThatWasNeverPreparedSaysHow) {
    if (!has_direct_access()) GTEST_SKIP() << "this file system has no direct access";
    std::ofstream(path_, std::ios::binary) << std::string(kDiskBytes, '\0');
    const auto one = node(1);

    const ArbiterAnswer told = ask(*one, Asking::Claim, 50ms);

    EXPECT_NE(told.reason.find("xbeat disk init"), std::string::npos) << told.reason;
}

TEST_F(SharedDisk, ADiskThatIsTooSmallIsRefused) {
    std::ofstream(path_, std::ios::binary) << std::string(kDiskBytes - 1, '\0');
    const auto one = node(1);

    EXPECT_NE(ask(*one, Asking::Claim, 20ms).reason.find("the lease takes"), std::string::npos);
}

TEST_F(SharedDisk, ADamagedBlockOfTheOtherIsToldWithTheRemedy) {
    if (!has_direct_access()) GTEST_SKIP() << "this file system has no direct access";
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(slot_offset(NodeId{2})));
    file << "torn";
    file.close();
    const auto one = node(1);

    const ArbiterAnswer told = ask(*one, Asking::Claim, 100ms);

    EXPECT_EQ(told.reply, Reply::NotReady);
    EXPECT_NE(told.reason.find("block of node 2"), std::string::npos) << told.reason;
}

}  // namespace
}  // namespace xbeat::disk
