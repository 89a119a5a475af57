/// A small set of entities that is kept in memory as one immutable state, replaced whole with every change. For what an installation has
/// tens or hundreds of: CAs, templates, role aliases, authorizers.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/function.h"
#include "registry/detail/impl.h"
#include "store/kv/engine.h"

namespace fogbank::registry {

/// Thread-safe. `Encode` gives the records of a state by key, `Decode` reads them back.
template <class State>
class StateStore {
  public:
    using Records = std::map<std::string, std::string>;
    using Encode = Records (*)(const State&);
    using Decode = Result<State> (*)(const std::vector<store::kv::KeyValue>&);

    StateStore(store::kv::Engine& engine, store::kv::Range range, Encode encode, Decode decode)
        : engine_(engine), range_(std::move(range)), encode_(encode), decode_(decode), state_(std::make_shared<const State>()) {}

    std::shared_ptr<const State> state() const {
        const std::scoped_lock lock(mutex_);
        return state_;
    }

    /// Applies `edit` to the newest state and stores what it changed, as one transaction; it may be run again and must have no other
    /// effects.
    Awaitable<void> change(UniqueFunction<Result<void>(State&)> edit) {
        store::kv::TransactionBody body = [this, edit = std::move(edit)](Transaction& tx) mutable -> Result<void> {
            const auto records = scan_in(tx, range_);
            if (!records) return records.error();
            auto state = decode_(*records);
            if (!state) return state.error();
            if (auto done = edit(*state); !done) return done;
            Records after = encode_(*state);
            for (const store::kv::KeyValue& record : *records) {
                const auto found = after.find(record.key);
                if (found == after.end()) tx.erase(record.key);
                if (found != after.end() && found->second == record.value) after.erase(found);
            }
            for (const auto& [key, value] : after) tx.put(key, value);
            return {};
        };
        const Result<void> done = co_await engine_.transact(std::move(body));
        if (!done) co_return store_error(done.error());
        co_return co_await load();
    }

    /// Reads what is stored. Of two loads the one that began later wins; each reads after its commit, so the newest state stays.
    Awaitable<void> load() {
        std::uint64_t ticket = 0;
        {
            const std::scoped_lock lock(mutex_);
            ticket = ++tickets_;
        }
        std::vector<store::kv::KeyValue> records;
        store::kv::ScanOptions options;
        options.range = range_;
        for (bool more = true; more;) {
            auto page = co_await engine_.scan(options);
            if (!page) co_return store_error(page.error());
            for (store::kv::KeyValue& item : page->items) records.push_back(std::move(item));
            more = page->more && !records.empty();
            if (more) options.range.begin = records.back().key + '\0';
        }
        auto newest = decode_(records);
        if (!newest) co_return newest.error();
        auto made = std::make_shared<const State>(std::move(*newest));
        const std::scoped_lock lock(mutex_);
        if (ticket < installed_) co_return Result<void>();
        installed_ = ticket;
        state_ = std::move(made);
        co_return Result<void>();
    }

  private:
    store::kv::Engine& engine_;
    store::kv::Range range_;
    Encode encode_;
    Decode decode_;
    mutable std::mutex mutex_;
    std::shared_ptr<const State> state_;
    std::uint64_t tickets_ = 0, installed_ = 0;
};

}  // namespace fogbank::registry
