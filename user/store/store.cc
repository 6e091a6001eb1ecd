#include "store/store.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "core/check.h"
#include "store/work_queue.h"

namespace xbeat::store {
namespace {

std::size_t size_of(const node::Write& write) {
    constexpr std::size_t kOverhead = 64;
    if (const auto* record = std::get_if<node::AppendRecord>(&write.body))
        return kOverhead + record->bytes.size();
    if (const auto* snapshot = std::get_if<node::SaveSnapshot>(&write.body))
        return kOverhead + snapshot->bytes.size();
    if (const auto* meta = std::get_if<node::PutMeta>(&write.body))
        return kOverhead + meta->key.size() + meta->value.size();
    return kOverhead;
}

std::int64_t calendar_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

struct Store::Shared {
    Shared(Database opened, sys::Wakeup wakeup)
        : database(std::move(opened)),
          done(std::move(wakeup)),
          next_sequence(database.last_event() + 1) {}

    struct Work {
        std::vector<node::Write> writes;
        std::vector<EventRow> events;
        std::vector<EventQuery> queries;
        [[nodiscard]] bool is_empty() const {
            return writes.empty() && events.empty() && queries.empty();
        }
    };

    void run();
    void serve(const Work& work);

    Database database;  // the thread's alone
    sys::Wakeup done;
    WorkQueue<Work> queue;
    // Below: under the queue's mutex.
    std::size_t queued_bytes = 0;
    std::uint64_t next_sequence = 1;
    Answers answers;
};

void Store::Shared::run() {
    while (const std::optional<Work> work = queue.next()) serve(*work);
}

void Store::Shared::serve(const Work& work) {
    std::vector<Result<void>> outcomes = database.apply(work.writes, work.events);
    XB_CHECK(outcomes.size() == work.writes.size());
    std::vector<EventAnswer> queried;
    for (const EventQuery& query : work.queries)
        queried.push_back({.id = query.id,
                           .last = database.last_event(),
                           .rows = database.events(query.since, query.limit)});
    const std::lock_guard lock(queue.mutex);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        queued_bytes -= size_of(work.writes[i]);
        answers.trouble = outcomes[i] ? "" : outcomes[i].error().context;
        answers.persisted.push_back({work.writes[i].ticket, std::move(outcomes[i])});
    }
    answers.recorded.insert(answers.recorded.end(), work.events.begin(), work.events.end());
    for (EventAnswer& answer : queried) answers.queried.push_back(std::move(answer));
    done.wake();
}

Result<Store> Store::start(Database database) {
    sys::Wakeup done = XB_TRY(sys::Wakeup::create());
    auto shared = std::make_unique<Shared>(std::move(database), std::move(done));
    sys::Thread thread =
        XB_TRY(sys::Thread::start({.name = "xbeat-store", .stack_bytes = std::size_t{512} << 10U},
                                  [raw = shared.get()] { raw->run(); }));
    return Store(std::move(shared), std::move(thread));
}

Store::Store(std::unique_ptr<Shared> shared, sys::Thread thread)
    : shared_(std::move(shared)), thread_(std::move(thread)) {}
Store::Store(Store&&) noexcept = default;

Store::~Store() {
    if (shared_ == nullptr) return;
    shared_->queue.end();
    thread_.join();
}

void Store::write(node::Write write) {
    {
        const std::lock_guard lock(shared_->queue.mutex);
        const std::size_t bytes = size_of(write);
        if (shared_->queued_bytes + bytes > kQueueBytesMax) {
            shared_->answers.persisted.push_back(
                {write.ticket,
                 Error{.code = Code::Limit,
                       .context = "the disk is too slow: too much waits to be written"}});
            shared_->done.wake();
            return;
        }
        shared_->queued_bytes += bytes;
        shared_->queue.batch.writes.push_back(std::move(write));
    }
    shared_->queue.added();
}

void Store::record(Note note) {
    {
        const std::lock_guard lock(shared_->queue.mutex);
        if (shared_->queue.batch.events.size() >= kQueueEventsMax) {
            ++shared_->answers.events_dropped;
            return;
        }
        shared_->queue.batch.events.push_back({.sequence = shared_->next_sequence++,
                                               .calendar_ms = calendar_ms(),
                                               .note = std::move(note)});
    }
    shared_->queue.added();
}

void Store::query(EventQuery query) {
    XB_CHECK(query.limit >= 1);
    XB_CHECK(query.limit <= kQueryRowsMax);
    {
        const std::lock_guard lock(shared_->queue.mutex);
        shared_->queue.batch.queries.push_back(query);
    }
    shared_->queue.added();
}

Store::Answers Store::take() {
    const std::lock_guard lock(shared_->queue.mutex);
    Answers taken = std::exchange(shared_->answers, {});
    // The state of affairs stays; only the lists were taken.
    shared_->answers.trouble = taken.trouble;
    shared_->answers.events_dropped = taken.events_dropped;
    return taken;
}

int Store::fd() const { return shared_->done.fd(); }

}  // namespace xbeat::store
