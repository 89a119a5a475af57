#include "store/kv/detail/sqlite_reader_pool.h"

#include <algorithm>

#include "store/kv/detail/sqlite_schema.h"

namespace fogbank::store::kv::detail {
namespace {

/// The pages that all readers together keep in memory, where there are as many of them as the machine has threads.
constexpr std::size_t caches_kib = 64 * 1024;

std::size_t cache_kib() {
    return caches_kib / std::clamp<std::size_t>(std::thread::hardware_concurrency(), 2, 16);
}

}  // namespace

ReaderPool::Slot& ReaderPool::acquire() {
    const std::size_t first = std::hash<std::thread::id>()(std::this_thread::get_id()) % slots_max;
    for (std::size_t i = 0; i < slots_max; ++i) {
        Slot& slot = slots_[(first + i) % slots_max];
        if (slot.mutex.try_lock()) return slot;
    }
    slots_[first].mutex.lock();
    return slots_[first];
}

Result<void> ReaderPool::open(Slot& slot) const {
    auto connection = open_for_reading(file_, cache_kib());
    if (!connection) return connection.error();
    auto reads = TableReads::prepare(*connection);
    if (!reads) return reads.error();
    auto snapshot = Snapshot::prepare(*connection);
    if (!snapshot) return snapshot.error();
    slot.reader = std::make_unique<Reader>(Reader{std::move(*connection), std::move(*reads), std::move(*snapshot)});
    return {};
}

void ReaderPool::end_idle_snapshots() {
    for (auto& slot : slots_) {
        const std::unique_lock lock(slot.mutex, std::try_to_lock);
        if (lock && slot.reader) slot.reader->snapshot.end(slot.reader->connection);
    }
}

void ReaderPool::without_readers(const std::function<void()>& work) {
    std::vector<std::unique_lock<std::mutex>> locks;
    locks.reserve(slots_max);
    for (auto& slot : slots_) {
        locks.emplace_back(slot.mutex);
        if (slot.reader) slot.reader->snapshot.end(slot.reader->connection);
    }
    work();
}

void ReaderPool::stop() {
    stopped_.store(true, std::memory_order_relaxed);
    for (auto& slot : slots_) {
        const std::scoped_lock lock(slot.mutex);
        slot.reader.reset();
    }
}

Error ReaderPool::stopped_error() {
    return Error{Errc::stopped, "the store is shutting down"};
}

}  // namespace fogbank::store::kv::detail
