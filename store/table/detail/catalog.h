/// The tables that exist: definitions in the engine, a read-through copy in memory.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "store/table/detail/table_definition.h"

namespace fogbank::store::table {

using DefinitionPtr = std::shared_ptr<const TableDefinition>;

/// Definitions by name. Thread-safe. A copy may be stale for a moment after another writer deleted the table; the marker in the engine
/// decides each write, and a refused one ends in `forget`. The copies are as many as there are tables.
class Catalog {
  public:
    explicit Catalog(kv::Engine& engine) : engine_(engine) {}

    kv::Engine& engine() const { return engine_; }

    /// The copy, or null: then ask `find`.
    DefinitionPtr cached(const TableName& name) const;
    /// The copy, or the stored definition. Errors: resource_not_found without the name, unavailable.
    Awaitable<DefinitionPtr> find(TableName name);
    /// Always the stored definition. Errors: resource_not_found with the name, unavailable.
    Awaitable<DefinitionPtr> read(TableName name);
    /// Reads all definitions into memory.
    Awaitable<void> load();

    /// The newest copy, out of date or not; null: none is known.
    DefinitionPtr last_known(const TableName& name) const;
    /// All tables that are known here; copies may be out of date.
    std::vector<DefinitionPtr> all() const;

    /// Number of forgettings so far. What was read before one must not be remembered after it.
    std::uint64_t generation() const;
    /// Keeps the copy unless something was forgotten since `generation`.
    void remember(DefinitionPtr definition, std::uint64_t generation);
    /// The copy is out of date.
    void forget(const TableName& name);
    /// The table is gone: nothing of it is kept.
    void remove(const TableName& name);

  private:
    void drop(const TableName& name);

    kv::Engine& engine_;
    mutable std::shared_mutex mutex_;
    std::unordered_map<TableName, DefinitionPtr> copies_;
    std::unordered_map<TableName, DefinitionPtr> forgotten_;  ///< until they are read again or turn out to be gone
    std::uint64_t generation_ = 0;
};

}  // namespace fogbank::store::table
