#include "store/table/json_dom.h"

namespace fogbank::store::table {

JsonKind DomView::kind() const {
    using Type = simdjson::dom::element_type;
    switch (element_.type()) {
        case Type::ARRAY:
            return JsonKind::list;
        case Type::OBJECT:
            return JsonKind::object;
        case Type::INT64:
        case Type::UINT64:
            return JsonKind::integer;
        case Type::DOUBLE:
            return JsonKind::decimal;
        case Type::STRING:
            return JsonKind::string;
        case Type::BOOL:
            return JsonKind::boolean;
        case Type::NULL_VALUE:
            break;
    }
    return JsonKind::null;
}

Result<AttributeValue> attribute_value_from_dom(const DomView& value) {
    return TypedJsonReader<DomView>::value(value, 0);
}

Result<Item> item_from_dom(const DomView& value) {
    return TypedJsonReader<DomView>::map(value, 0);
}

}  // namespace fogbank::store::table
