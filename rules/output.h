/// What SELECT made.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/message.h"
#include "common/result.h"
#include "rules/payload.h"
#include "rules/program.h"
#include "rules/value.h"

namespace fogbank::rules::sql {

/// A value, or the message's own bytes. Borrows from the program and the message. One thread.
class Output {
  public:
    /// Undefined.
    Output() = default;
    explicit Output(Value value) : value_(std::move(value)) {}
    /// `SELECT *` of a payload that is not JSON: the payload's bytes as they came.
    static Output raw() {
        Output made;
        made.raw_ = true;
        return made;
    }

    bool is_raw() const { return raw_; }
    /// Undefined when `is_raw`, or for a SELECT VALUE of Undefined.
    const Value& value() const {
        if (!value_) value_ = selected_value();
        return *value_;
    }
    /// The bytes for the action: JSON text, the raw payload, or nothing for Undefined (section 3).
    /// Errors: evaluation when the text would be longer than `value_bytes_max`.
    Result<std::string> payload(const Message& message) const;

    /// An Object whose members are so far only places in the payload, whose text goes straight into the text of the output: most statements
    /// pass on most of what they select. For `QueryPlan::distinct`, at most `selected_max` items, which are added in their order.
    static constexpr std::size_t selected_max = 16;
    Output(const QueryPlan& plan, Version version) : value_(std::nullopt), plan_(&plan), version_(version) {}
    /// @param payload  the same for all
    /// @param node  `Payload::no_node` for Undefined, or one that has a `Payload::json`
    void add(const Payload& payload, std::uint32_t node) {
        payload_ = &payload;
        selected_[count_++] = {node, false};
    }
    void add(Value value) {
        selected_[count_++] = {static_cast<std::uint32_t>(computed_.size()), true};
        computed_.push_back(std::move(value));
    }

  private:
    struct Selected {
        std::uint32_t index = 0;  ///< of a node, or in `computed_`
        bool computed = false;
    };
    bool is_undefined(const Selected& item) const {
        return item.computed ? computed_[item.index].is_undefined() : item.index == Payload::no_node;
    }
    Value value_of(const Selected& item) const { return item.computed ? computed_[item.index] : payload_->value(item.index, version_); }
    Value selected_value() const;
    bool append_selected(std::string& out) const;

    mutable std::optional<Value> value_ = Value();
    const QueryPlan* plan_ = nullptr;  ///< null: `value_` is all
    const Payload* payload_ = nullptr;
    Version version_ = Version::v2015_10_08;
    std::size_t count_ = 0;
    std::array<Selected, selected_max> selected_;
    std::vector<Value> computed_;
    bool raw_ = false;
};

}  // namespace fogbank::rules::sql
