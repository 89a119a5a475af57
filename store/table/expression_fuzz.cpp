// Any text as each kind of expression: no crash, and what compiles can be asked of items.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "store/table/detail/condition.h"
#include "store/table/detail/key_condition.h"
#include "store/table/detail/projection.h"
#include "store/table/detail/update.h"
#include "store/table/json.h"

namespace {

using namespace fogbank::store::table;

const Placeholders& placeholders() {
    static const Placeholders all = [] {
        Placeholders out;
        out.names.emplace("#a", "a");
        out.names.emplace("#n", "name");
        const Item values = *item_from_plain_json(R"({":v":1,":s":"x",":l":[1],":m":{"a":1},":t":true})");
        out.values = values;
        return out;
    }();
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Item item = *item_from_plain_json(R"({"a":{"b":[1,"x",{"c":true}]},"name":"x","n":1.5,"id":"p","at":7})");
    Expression expression;
    expression.text.assign(reinterpret_cast<const char*>(data), size);

    PlaceholderScope scope(placeholders());
    if (const auto condition = compile_condition(expression, "ConditionExpression", scope)) {
        const bool once = condition->matches(item);
        if (once != condition->matches(item)) std::abort();  // evaluation is pure
        (void)condition->matches(Item());
    }
    if (const auto projection = compile_projection(expression, scope)) {
        const Item part = projection->apply(item);
        if (!(projection->is_everything() || item_size_bytes(part) <= item_size_bytes(item))) std::abort();
    }
    if (const auto update = compile_update(expression, scope)) {
        const auto updated = update->apply(item);
        if (updated && update->updated().is_everything() && !update->actions().empty()) std::abort();
    }
    if (auto conditions = compile_key_condition(expression, scope)) {
        KeySchema schema;
        schema.partition_key = {"id", KeyType::string};
        schema.sort_key = KeyAttribute{"at", KeyType::number};
        if (const auto key = match_key_schema(std::move(*conditions), layout_of(schema))) (void)key->range(keyspace(1));
    }
    return 0;
}
