/// Typed JSON straight from simdjson's tape, and back to text: the way of requests and answers. Same rules as store/table/json.h.
#pragma once

#include <simdjson.h>

#include <string>

#include "common/result.h"
#include "store/table/attribute_value.h"
#include "store/table/detail/typed_json_reader.h"

namespace fogbank::store::table {

/// A value of a parsed document. Valid as long as the document.
class DomView {
  public:
    explicit DomView(simdjson::dom::element element) : element_(element) {}
    JsonKind kind() const;
    std::string_view text() const { return element_.get_string().value_unsafe(); }
    bool boolean() const { return element_.get_bool().value_unsafe(); }
    const simdjson::dom::element& element() const { return element_; }

    template <class F>
    Result<void> each_member(const F& f) const {
        const simdjson::dom::object object = element_.get_object().value_unsafe();
        for (const auto field : object) {
            if (auto done = f(field.key, DomView(field.value)); !done) return done;
        }
        return {};
    }
    template <class F>
    Result<void> each_element(const F& f) const {
        const simdjson::dom::array array = element_.get_array().value_unsafe();
        for (const auto one : array) {
            if (auto done = f(DomView(one)); !done) return done;
        }
        return {};
    }

  private:
    simdjson::dom::element element_;
};

Result<AttributeValue> attribute_value_from_dom(const DomView& value);
Result<Item> item_from_dom(const DomView& value);

}  // namespace fogbank::store::table
