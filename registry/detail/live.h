/// What live connections are judged by, in memory: cells that are replaced whole when the store has changed.
///
/// Order: a cell is put into its table before it is loaded, a change is committed before its cells are reloaded, and of two loads the one
/// that began later wins. So whatever way loads and changes interleave, a cell ends with the newest state.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace fogbank::registry {

/// Counts every replacement in a registry's cells, so that a connection sees with one load that nothing has changed.
using Epoch = std::atomic<std::uint64_t>;

/// How often a cell's value has been replaced.
class LiveVersion {
  public:
    explicit LiveVersion(std::shared_ptr<Epoch> epoch) : epoch_(std::move(epoch)) {}
    LiveVersion(const LiveVersion&) = delete;
    LiveVersion& operator=(const LiveVersion&) = delete;
    std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

  protected:
    ~LiveVersion() = default;
    std::shared_ptr<Epoch> epoch_;
    std::atomic<std::uint64_t> version_{0};
};

/// One replaceable value. Thread-safe.
template <class T>
class LiveCell final : public LiveVersion {
  public:
    using LiveVersion::LiveVersion;

    /// Call before the first read from the store.
    std::uint64_t begin_load() { return tickets_.fetch_add(1) + 1; }

    /// Puts the loaded value in place unless a load that began later already has. Null: it could not be loaded, or there is none.
    void install(std::uint64_t ticket, std::shared_ptr<const T> value) {
        {
            const std::scoped_lock lock(mutex_);
            if (ticket <= installed_) return;
            installed_ = ticket;
            value_ = std::move(value);
            version_.fetch_add(1, std::memory_order_release);
        }
        epoch_->fetch_add(1, std::memory_order_release);
    }

    struct Seen {
        std::shared_ptr<const T> value;
        std::uint64_t version = 0;
    };
    Seen get() const {
        const std::scoped_lock lock(mutex_);
        return {value_, version_.load(std::memory_order_relaxed)};
    }

  private:
    std::atomic<std::uint64_t> tickets_{0};
    mutable std::mutex mutex_;
    std::uint64_t installed_ = 0;
    std::shared_ptr<const T> value_;
};

/// The cells that somebody holds, by name. Thread-safe. Bounded by what its users hold: expired entries are swept whenever the table has
/// doubled.
template <class T>
class LiveTable {
  public:
    explicit LiveTable(std::shared_ptr<Epoch> epoch) : epoch_(std::move(epoch)) {}

    std::shared_ptr<LiveCell<T>> obtain(const std::string& name) {
        const std::scoped_lock lock(mutex_);
        if (auto cell = cells_[name].lock()) return cell;
        if (cells_.size() > sweep_at_) sweep();
        auto cell = std::make_shared<LiveCell<T>>(epoch_);
        cells_[name] = cell;
        return cell;
    }

    /// Null if nobody holds it.
    std::shared_ptr<LiveCell<T>> find(const std::string& name) const {
        const std::scoped_lock lock(mutex_);
        const auto found = cells_.find(name);
        return found == cells_.end() ? nullptr : found->second.lock();
    }

  private:
    void sweep() {
        std::erase_if(cells_, [](const auto& entry) { return entry.second.expired(); });
        sweep_at_ = 2 * cells_.size() + sweep_min;
    }

    static constexpr std::size_t sweep_min = 64;
    std::shared_ptr<Epoch> epoch_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::weak_ptr<LiveCell<T>>> cells_;
    std::size_t sweep_at_ = sweep_min;
};

}  // namespace fogbank::registry
