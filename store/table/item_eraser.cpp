#include "store/table/detail/item_eraser.h"

#include <spdlog/spdlog.h>

#include <array>
#include <memory>

#include "common/logging.h"
#include "store/kv/key.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/table_definition.h"

namespace fogbank::store::table {
namespace {

constexpr std::size_t piece_items_max = 2000;
constexpr std::size_t piece_bytes_max = 1 << 20;

/// One table's erasure; kept alive by the transaction in flight.
struct Erasure {
    kv::Engine& engine;
    TableNumber table;
    bool finished = false;

    /// Erases up to one piece of the first range that still holds anything.
    Result<void> erase_piece(kv::Transaction& transaction) {
        finished = false;
        for (const kv::Range& range : {table_range(table), indexes_range(table), collections_range(table)}) {
            kv::ScanOptions options;
            options.range = range;
            options.items_max = piece_items_max;
            options.bytes_max = piece_bytes_max;
            auto page = transaction.scan(options);
            if (!page) return page.error();
            if (page->items.empty()) continue;
            kv::Range erased = range;
            if (page->more) erased.end = page->items.back().key + '\0';
            transaction.erase_range(erased);
            if (page->more) return {};
        }
        transaction.erase(tags_key(table));
        transaction.erase(erasure_key(table));
        finished = true;
        return {};
    }
};

void erase_next_piece(std::shared_ptr<Erasure> erasure) {
    kv::Engine& engine = erasure->engine;
    engine.transact([erasure](kv::Transaction& transaction) { return erasure->erase_piece(transaction); },
                    [erasure](Result<void> erased) {
                        if (!erased) {
                            logger("store").warn("erasing a deleted table stopped until the next start table={} why={}", erasure->table,
                                                 log_value(erased.error().message));
                        } else if (!erasure->finished) {
                            erase_next_piece(erasure);
                        }
                    });
}

}  // namespace

void erase_items(kv::Engine& engine, TableNumber table) {
    auto erasure = std::shared_ptr<Erasure>(new Erasure{engine, table});
    erase_next_piece(std::move(erasure));
}

boost::asio::awaitable<Result<void>> resume_erasures(kv::Engine& engine) {
    kv::ScanOptions options;
    options.range = erasures_range();
    const std::size_t prefix_bytes = options.range.begin.size();
    for (bool more = true; more;) {
        auto page = co_await engine.scan(options);
        if (!page) co_return from_engine(page.error());
        for (const auto& [key, value] : page->items) {
            // The number is the key's last part.
            kv::KeyReader reader(std::string_view(key).substr(prefix_bytes));
            if (const auto table = reader.number()) erase_items(engine, *table);
        }
        more = page->more;
        if (more) options.range.begin = page->items.back().key + '\0';
    }
    co_return Result<void>();
}

}  // namespace fogbank::store::table
