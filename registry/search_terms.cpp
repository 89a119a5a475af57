#include "registry/detail/search_terms.h"

#include <algorithm>

#include "registry/detail/keys.h"
#include "registry/detail/records.h"

namespace fogbank::registry {
namespace {

constexpr std::string_view built_setting = "search-terms";
constexpr std::string_view built_format = "1";
constexpr std::int64_t things_per_batch = 250;

void add(std::vector<IndexTerm>& out, const std::string& field, const std::string& value) {
    for (auto& term : IndexTerm::of(field, value)) out.push_back(std::move(term));
}

}  // namespace

std::vector<IndexTerm> search_terms(const Thing& thing) {
    std::vector<IndexTerm> out;
    add(out, "thingName", thing.name.str());
    if (!thing.type_name.empty()) add(out, "thingTypeName", thing.type_name);
    for (const auto& [name, value] : thing.attributes) add(out, "attributes." + name, value);
    std::sort(out.begin(), out.end());
    return out;
}

void put_search_terms(Transaction& tx, const Thing* before, const Thing* after) {
    const auto old_terms = before != nullptr ? search_terms(*before) : std::vector<IndexTerm>();
    const auto new_terms = after != nullptr ? search_terms(*after) : std::vector<IndexTerm>();
    for (const auto& term : old_terms) {
        if (!std::binary_search(new_terms.begin(), new_terms.end(), term))
            tx.erase(keys::search_term(term.field, term.value, before->name));
    }
    for (const auto& term : new_terms) {
        if (!std::binary_search(old_terms.begin(), old_terms.end(), term))
            tx.put(keys::search_term(term.field, term.value, after->name), "");
    }
}

Awaitable<void> build_search_terms(Core& core) {
    const auto built = co_await core.read(keys::setting(built_setting));
    if (!built) co_return built.error();
    if (*built) co_return Result<void>();
    PageRequest page;
    page.items_max = things_per_batch;
    const Range range = keys::things();
    do {
        auto found = co_await core.scan_page(range, page);
        if (!found) co_return found.error();
        store::kv::Batch batch;
        for (const KeyValue& item : found->items) {
            const auto thing = decode_thing(ThingName(keys::last_part(item.key, range)), item.value, core.deps().arns);
            if (!thing) co_return thing.error();
            for (const auto& term : search_terms(*thing)) batch.put(keys::search_term(term.field, term.value, thing->name), "");
        }
        page.marker = std::move(found->next);
        if (!page.marker) batch.put(keys::setting(built_setting), std::string(built_format));
        const auto written = co_await core.deps().engine.commit(std::move(batch));
        if (!written) co_return store_error(written.error());
    } while (page.marker);
    co_return Result<void>();
}

}  // namespace fogbank::registry
