#include "store/kv/detail/sqlite_checkpointer.h"

#include <sqlite3.h>

#include <utility>

#include "store/kv/detail/sqlite_schema.h"

namespace fogbank::store::kv::detail {

Checkpointer::Checkpointer(Connection connection) : connection_(std::move(connection)) {
    thread_ = std::thread([this] { run(); });
}

Result<std::unique_ptr<Checkpointer>> Checkpointer::start(const std::filesystem::path& file, Durability durability) {
    auto connection = open_for_copying(file, durability);
    if (!connection) return connection.error();
    return std::unique_ptr<Checkpointer>(new Checkpointer(std::move(*connection)));
}

Checkpointer::~Checkpointer() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Checkpointer::begin() {
    {
        const std::scoped_lock lock(mutex_);
        wanted_ = busy_ = true;
    }
    changed_.notify_all();
}

bool Checkpointer::busy() const {
    const std::scoped_lock lock(mutex_);
    return busy_;
}

void Checkpointer::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !busy_; });
}

int Checkpointer::copied_pages() const {
    const std::scoped_lock lock(mutex_);
    return copied_pages_;
}

void Checkpointer::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stopping_ || wanted_; });
        if (stopping_) return;
        wanted_ = false;
        lock.unlock();
        int pages = 0;
        int copied = 0;
        const int status = sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
        lock.lock();
        copied_pages_ = status == SQLITE_OK ? copied : 0;
        busy_ = false;
        changed_.notify_all();
    }
}

}  // namespace fogbank::store::kv::detail
