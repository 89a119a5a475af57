#include "store/kv/memory_engine.h"

#include <atomic>
#include <map>
#include <mutex>

#include "store/kv/detail/overlay.h"
#include "store/kv/errc.h"

namespace fogbank::store::kv {
namespace {

namespace asio = boost::asio;

/// The map itself; the engine's mutex guards it.
class MapBacking final : public detail::Backing {
  public:
    Result<std::optional<std::string>> get(std::string_view key) override {
        const auto found = map_.find(key);
        return found == map_.end() ? std::nullopt : std::optional<std::string>(found->second);
    }

    Result<Page> scan(const ScanOptions& options) override {
        Page page;
        if (detail::is_empty(options.range)) return page;
        std::size_t bytes = 0;
        auto first = map_.lower_bound(options.range.begin);
        auto last = options.range.end.empty() ? map_.end() : map_.lower_bound(options.range.end);
        while (first != last) {
            const auto& [key, value] = options.reverse ? *--last : *first++;
            if (detail::add_to_page(page, KeyValue{key, value}, options, bytes)) break;
        }
        return page;
    }

    Result<void> put(std::string_view key, std::string_view value) override {
        map_.insert_or_assign(std::string(key), std::string(value));
        return {};
    }

    Result<void> erase(std::string_view key) override {
        if (const auto found = map_.find(key); found != map_.end()) map_.erase(found);
        return {};
    }

    Result<void> erase_range(const Range& range) override {
        if (detail::is_empty(range)) return {};
        map_.erase(map_.lower_bound(range.begin), range.end.empty() ? map_.end() : map_.lower_bound(range.end));
        return {};
    }

  private:
    std::map<std::string, std::string, std::less<>> map_;
};

/// Each call takes the mutex for its whole duration, handlers are called after it is free again.
class MemoryEngine final : public Engine {
  public:
    asio::awaitable<Result<std::optional<std::string>>> get(std::string key) override {
        const std::scoped_lock lock(mutex_);
        if (stopped_) co_return stopped();
        co_return map_.get(key);
    }

    asio::awaitable<Result<std::vector<std::optional<std::string>>>> multi_get(std::vector<std::string> keys) override {
        const std::scoped_lock lock(mutex_);
        if (stopped_) co_return stopped();
        std::vector<std::optional<std::string>> values;
        values.reserve(keys.size());
        for (const auto& key : keys) values.push_back(*map_.get(key));
        co_return values;
    }

    asio::awaitable<Result<Page>> scan(ScanOptions options) override {
        const std::scoped_lock lock(mutex_);
        if (stopped_) co_return stopped();
        co_return map_.scan(options);
    }

    void commit(Batch batch, CommitHandler done) override {
        done(exclusively([&] { return detail::run_batch(map_, batch); }));
    }

    void transact(TransactionBody body, CommitHandler done) override {
        done(exclusively([&] { return detail::run_transaction(map_, body); }));
    }

    void stop() override {
        const std::scoped_lock lock(mutex_);
        stopped_ = true;
    }

  private:
    static Error stopped() { return Error{Errc::stopped, "the store is shutting down"}; }

    template <class F>
    Result<void> exclusively(F work) {
        const std::scoped_lock lock(mutex_);
        if (stopped_) return stopped();
        return work();
    }

    std::mutex mutex_;
    MapBacking map_;
    bool stopped_ = false;
};

}  // namespace

std::unique_ptr<Engine> make_memory_engine() {
    return std::make_unique<MemoryEngine>();
}

}  // namespace fogbank::store::kv
