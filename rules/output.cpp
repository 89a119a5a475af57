#include "rules/output.h"

#include "rules/detail/json_writer.h"
#include "rules/errc.h"

namespace fogbank::rules::sql {
namespace {

/// Room for what most statements put out, so that the text seldom moves while it grows.
constexpr std::size_t output_bytes = 256;

}  // namespace

Result<std::string> Output::payload(const Message& message) const {
    if (raw_) return std::string(message.payload());
    std::string text;
    text.reserve(output_bytes);
    if (!(plan_ == nullptr ? append_json(text, *value_, value_bytes_max) : append_selected(text)))
        return Error(Errc::evaluation, "the result of SELECT is longer than " + std::to_string(value_bytes_max) + " bytes");
    return text;
}

Value Output::selected_value() const {
    Object members;
    members.reserve(count_);
    for (std::size_t i = 0; i < count_; ++i) {
        if (!is_undefined(selected_[i])) members.append(Text::borrowed(plan_->items[i].alias[0]), value_of(selected_[i]));
    }
    return Value::object(std::move(members));
}

bool Output::append_selected(std::string& out) const {
    JsonWriter writer(out);
    char before = '{';
    for (std::size_t i = 0; i < count_; ++i) {
        const Selected& item = selected_[i];
        if (is_undefined(item)) continue;
        writer.add(before);
        before = ',';
        writer.add(plan_->items[i].json_name);
        if (item.computed) {
            if (!writer.add_value(computed_[item.index], value_bytes_max)) return false;
        } else {
            writer.add(payload_->json(item.index));
        }
    }
    if (before == '{') writer.add('{');
    writer.add('}');
    return writer.size() <= value_bytes_max;
}

}  // namespace fogbank::rules::sql
