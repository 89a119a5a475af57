#include "store/table/detail/item_counter.h"

#include "store/table/detail/errors.h"
#include "store/table/detail/item_codec.h"

namespace fogbank::store::table {
namespace {

constexpr std::size_t step_items_max = 4000;
constexpr std::size_t step_bytes_max = 1 << 20;

}  // namespace

boost::asio::awaitable<Result<ItemCounter::Count>> ItemCounter::count(std::string space) {
    Walk walk = walk_of(space);
    const std::string from = walk.next;
    if (from.empty()) walk.counted = Count();
    kv::ScanOptions options;
    options.range = space_range(space);
    if (!from.empty()) options.range.begin = from;
    options.items_max = step_items_max;
    options.bytes_max = step_bytes_max;
    auto page = co_await engine_.scan(options);
    if (!page) co_return from_engine(page.error());
    for (const auto& [key, value] : page->items) {
        auto size = stored_item_size(value);
        if (!size) co_return size.error();
        ++walk.counted.items;
        walk.counted.bytes += static_cast<std::int64_t>(*size);
    }
    walk.next = page->more ? page->items.back().key + '\0' : std::string();
    if (!page->more) {
        walk.finished = walk.counted;
        walk.was_finished = true;
    }
    keep(space, from, walk);
    co_return walk.was_finished ? walk.finished : walk.counted;
}

void ItemCounter::forget(TableNumber table) {
    const std::scoped_lock lock(mutex_);
    walks_.erase(keyspace(table));
    const kv::Range indexes = indexes_range(table);
    walks_.erase(walks_.lower_bound(indexes.begin), walks_.lower_bound(indexes.end));
}

ItemCounter::Walk ItemCounter::walk_of(const std::string& space) {
    const std::scoped_lock lock(mutex_);
    const auto found = walks_.find(space);
    return found != walks_.end() ? found->second : Walk();
}

void ItemCounter::keep(const std::string& space, const std::string& from, const Walk& walk) {
    const std::scoped_lock lock(mutex_);
    Walk& kept = walks_[space];
    if (kept.next == from) kept = walk;  // else another call was faster with the same step
}

}  // namespace fogbank::store::table
