// Statements: parsing is total, and what parses can be taken apart for a table and evaluated.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "store/table/detail/partiql.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace table = fogbank::store::table;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto statement = table::parse_partiql(text, nullptr);
    if (!statement) return 0;
    table::KeySchema schema;
    schema.partition_key.name = "id";
    schema.sort_key = table::KeyAttribute{"at", table::KeyType::number};
    const auto parts = table::split_where(statement->where, table::layout_of(schema));
    const table::Item item{{"id", table::AttributeValue("a")}, {"at", table::AttributeValue(fogbank::Decimal(1))}};
    (void)parts.rest.matches(item);
    (void)table::key_of_where(parts, schema);
    if (auto update = table::Update::from_actions(statement->actions, false)) (void)update->apply(item);
    return 0;
}
