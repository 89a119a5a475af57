#include "store/table/detail/catalog.h"

#include <mutex>

#include "store/table/detail/errors.h"

namespace fogbank::store::table {

DefinitionPtr Catalog::cached(const TableName& name) const {
    const std::shared_lock lock(mutex_);
    const auto found = copies_.find(name);
    return found != copies_.end() ? found->second : nullptr;
}

Awaitable<DefinitionPtr> Catalog::find(TableName name) {
    if (auto copy = cached(name)) co_return copy;
    const std::uint64_t before = generation();
    auto definition = co_await read(name);
    if (!definition) {
        if (definition.error().code == Errc::resource_not_found) {
            drop(name);
            co_return table_not_found();
        }
        co_return definition.error();
    }
    remember(*definition, before);
    co_return *definition;
}

Awaitable<DefinitionPtr> Catalog::read(TableName name) {
    auto stored = co_await engine_.get(definition_key(name));
    if (!stored) co_return from_engine(stored.error());
    if (!*stored) co_return table_not_found(name.view());
    auto definition = decode_definition(**stored);
    if (!definition) co_return definition.error();
    co_return std::make_shared<const TableDefinition>(std::move(*definition));
}

Awaitable<void> Catalog::load() {
    kv::ScanOptions options;
    options.range = definitions_range();
    for (bool more = true; more;) {
        const std::uint64_t before = generation();
        auto page = co_await engine_.scan(options);
        if (!page) co_return from_engine(page.error());
        for (const auto& [key, value] : page->items) {
            auto definition = decode_definition(value);
            if (!definition) co_return definition.error();
            remember(std::make_shared<const TableDefinition>(std::move(*definition)), before);
        }
        more = page->more;
        if (more) options.range.begin = page->items.back().key + '\0';
    }
    co_return Result<void>();
}

DefinitionPtr Catalog::last_known(const TableName& name) const {
    const std::shared_lock lock(mutex_);
    const auto found = copies_.find(name);
    if (found != copies_.end()) return found->second;
    const auto old = forgotten_.find(name);
    return old != forgotten_.end() ? old->second : nullptr;
}

std::vector<DefinitionPtr> Catalog::all() const {
    const std::shared_lock lock(mutex_);
    std::vector<DefinitionPtr> out;
    out.reserve(copies_.size());
    for (const auto& [name, definition] : copies_) out.push_back(definition);
    for (const auto& [name, definition] : forgotten_) out.push_back(definition);
    return out;
}

void Catalog::drop(const TableName& name) {
    const std::unique_lock lock(mutex_);
    forgotten_.erase(name);
}

void Catalog::remove(const TableName& name) {
    const std::unique_lock lock(mutex_);
    copies_.erase(name);
    forgotten_.erase(name);
    ++generation_;
}

std::uint64_t Catalog::generation() const {
    const std::shared_lock lock(mutex_);
    return generation_;
}

void Catalog::remember(DefinitionPtr definition, std::uint64_t generation) {
    const std::unique_lock lock(mutex_);
    if (generation != generation_) return;
    forgotten_.erase(definition->name);
    copies_.insert_or_assign(definition->name, std::move(definition));
}

void Catalog::forget(const TableName& name) {
    const std::unique_lock lock(mutex_);
    if (auto copy = copies_.extract(name)) forgotten_.insert_or_assign(name, std::move(copy.mapped()));
    ++generation_;
}

}  // namespace fogbank::store::table
