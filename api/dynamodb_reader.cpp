#include "api/dynamodb_reader.h"

#include <cmath>
#include <memory>

#include "store/table/errc.h"

namespace fogbank::api::dynamodb {
namespace {

namespace table = store::table;
using table::DomView;
using table::JsonKind;

/// DynamoDB's largest request (BatchWriteItem): 16 MB.
constexpr std::size_t body_bytes_max = 16 * 1024 * 1024;
/// 32 levels of attribute values at two levels of JSON each, plus the request around them and some more, so that the table room can say
/// which attribute is nested too deeply.
constexpr std::size_t body_depth_max = 90;
/// A parser that has grown beyond this is not kept for the next request.
constexpr std::size_t kept_parser_bytes = 1024 * 1024;

std::string decapitalized(std::string_view member) {
    std::string out(member);
    if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] - 'A' + 'a');
    return out;
}

}  // namespace

void Problems::serialization(Error error) {
    if (!serialization_) serialization_ = std::move(error);
}

void Problems::constraint(std::string_view shown, std::string_view member, std::string_view text) {
    if (constraints_.size() < constraints_max)
        constraints_.push_back("Value " + std::string(shown) + " at '" + std::string(member) +
                               "' failed to satisfy constraint: " + std::string(text));
}

void Problems::value(Error error) {
    if (error.code == table::Errc::serialization) return serialization(std::move(error));
    if (!value_) value_ = std::move(error);
}

Result<void> Problems::check() const {
    if (serialization_) return *serialization_;
    if (!constraints_.empty()) {
        std::string text =
            std::to_string(constraints_.size()) + " validation error" + (constraints_.size() == 1 ? "" : "s") + " detected: ";
        for (std::size_t i = 0; i < constraints_.size(); ++i) text += (i == 0 ? "" : "; ") + constraints_[i];
        return Error(table::Errc::validation, std::move(text));
    }
    if (value_) return *value_;
    return {};
}

std::optional<DomView> Reader::find(std::string_view name) const {
    std::optional<DomView> found;
    (void)object_.each_member([&](std::string_view key, const DomView& member) -> Result<void> {
        if (key == name) found = member;
        return {};
    });
    if (found && found->kind() == JsonKind::null) return std::nullopt;
    return found;
}

std::string Reader::path_of(std::string_view name) const {
    return path_ + decapitalized(name);
}

void Reader::violated(std::string_view shown, std::string_view name, std::string_view text) const {
    problems_->constraint("'" + std::string(shown) + "'", path_of(name), text);
}

void Reader::missing(std::string_view name) const {
    problems_->constraint("null", path_of(name), "Member must not be null");
}

void Reader::at_least(std::string_view name, const std::optional<std::int64_t>& value, std::int64_t least) const {
    if (value && *value < least)
        violated(std::to_string(*value), name, "Member must have value greater than or equal to " + std::to_string(least));
}
void Reader::at_most(std::string_view name, const std::optional<std::int64_t>& value, std::int64_t most) const {
    if (value && *value > most)
        violated(std::to_string(*value), name, "Member must have value less than or equal to " + std::to_string(most));
}

template <class T, class Convert>
std::optional<T> Reader::convert(std::string_view name, JsonKind kind, std::string_view wanted, Convert conversion) const {
    const auto found = find(name);
    if (!found) return std::nullopt;
    if (found->kind() != kind) {
        problems_->serialization(table::unexpected_json(*found, wanted));
        return std::nullopt;
    }
    return conversion(*found);
}

std::optional<std::string> Reader::text(std::string_view name) const {
    return convert<std::string>(name, JsonKind::string, "String", [](const DomView& one) { return std::string(one.text()); });
}

std::string Reader::required_text(std::string_view name) const {
    auto value = text(name);
    if (!value && !has(name)) missing(name);
    return value ? std::move(*value) : std::string();
}

std::optional<bool> Reader::boolean(std::string_view name) const {
    return convert<bool>(name, JsonKind::boolean, "Boolean", [](const DomView& one) { return one.boolean(); });
}

std::optional<std::int64_t> Reader::integer(std::string_view name) const {
    return convert<std::int64_t>(name, JsonKind::integer, "Integer", [&](const DomView& one) -> std::optional<std::int64_t> {
        std::int64_t value = 0;
        if (one.element().get(value) == simdjson::SUCCESS) return value;
        problems_->serialization(table::unexpected_json(one, "Integer"));
        return std::nullopt;
    });
}

std::optional<WallTime> Reader::time(std::string_view name) const {
    const auto found = find(name);
    if (!found) return std::nullopt;
    double seconds = 0;
    if (found->element().get(seconds) != simdjson::SUCCESS || !(std::abs(seconds) < 1e11)) {
        problems_->serialization(table::unexpected_json(*found, "Timestamp"));
        return std::nullopt;
    }
    return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)));
}

std::int64_t Reader::required_integer(std::string_view name) const {
    const auto value = integer(name);
    if (!value && !has(name)) missing(name);
    return value.value_or(0);
}

std::optional<table::Item> Reader::item(std::string_view name) const {
    return convert<table::Item>(name, JsonKind::object, "Map", [&](const DomView& one) -> std::optional<table::Item> {
        auto read = table::item_from_dom(one);
        if (read) return std::move(*read);
        problems_->value(read.error());
        return std::nullopt;
    });
}

table::Item Reader::required_item(std::string_view name) const {
    auto value = item(name);
    if (!value && !has(name)) missing(name);
    return value ? std::move(*value) : table::Item();
}

std::optional<table::AttributeValue> Reader::attribute_value(std::string_view name) const {
    const auto found = find(name);
    if (!found) return std::nullopt;
    auto read = table::attribute_value_from_dom(*found);
    if (read) return std::move(*read);
    problems_->value(read.error());
    return std::nullopt;
}

std::optional<Reader> Reader::structure(std::string_view name) const {
    const auto found = find(name);
    if (!found) return std::nullopt;
    if (found->kind() == JsonKind::object) return Reader(*found, path_of(name) + ".", *problems_);
    problems_->serialization(found->kind() == JsonKind::list ? table::unexpected_json(*found, "")
                                                             : table::serialization_error("Unexpected value type in payload"));
    return std::nullopt;
}

std::optional<Reader> Reader::required_structure(std::string_view name) const {
    auto found = structure(name);
    if (!found && !has(name)) missing(name);
    return found;
}

std::optional<std::string> Reader::one_of(std::string_view name, std::initializer_list<std::string_view> allowed) const {
    auto value = text(name);
    if (!value) return value;
    std::string all;
    for (const std::string_view one : allowed) {
        if (*value == one) return value;
        all.append(all.empty() ? "" : ", ").append(one);
    }
    violated(*value, name, "Member must satisfy enum value set: [" + all + "]");
    return std::nullopt;
}

std::optional<std::string> Reader::required_one_of(std::string_view name, std::initializer_list<std::string_view> allowed) const {
    if (!has(name)) missing(name);
    return one_of(name, allowed);
}

bool Reader::each_element(std::string_view name, const std::function<void(DomView, std::size_t)>& f) const {
    const auto found = find(name);
    if (!found) return false;
    if (found->kind() != JsonKind::list) {
        problems_->serialization(found->kind() == JsonKind::object ? table::unexpected_json(*found, "")
                                                                   : table::serialization_error("Unexpected field type"));
        return true;
    }
    std::size_t position = 0;
    (void)found->each_element([&](const DomView& one) -> Result<void> {
        f(one, ++position);
        return {};
    });
    return true;
}

bool Reader::each_structure(std::string_view name, const std::function<void(const Reader&, std::size_t)>& f) const {
    return each_element(name, [&](const DomView& one, std::size_t position) {
        if (one.kind() != JsonKind::object) {
            return problems_->serialization(one.kind() == JsonKind::list ? table::unexpected_json(one, "")
                                                                         : table::serialization_error("Unexpected value type in payload"));
        }
        f(Reader(one, path_of(name) + "." + std::to_string(position) + ".member.", *problems_), position);
    });
}

bool Reader::each_text(std::string_view name, const std::function<void(std::string)>& f) const {
    return each_element(name, [&](const DomView& one, std::size_t) {
        if (one.kind() != JsonKind::string) return problems_->serialization(table::unexpected_json(one, "String"));
        f(std::string(one.text()));
    });
}

bool Reader::each_entry(std::string_view name, const std::function<void(std::string_view, DomView)>& f) const {
    const auto found = find(name);
    if (!found) return false;
    if (found->kind() != JsonKind::object) {
        problems_->serialization(found->kind() == JsonKind::list ? table::unexpected_json(*found, "")
                                                                 : table::serialization_error("Unexpected field type"));
        return true;
    }
    (void)found->each_member([&](std::string_view key, const DomView& one) -> Result<void> {
        f(key, one);
        return {};
    });
    return true;
}

std::optional<std::size_t> Reader::size(std::string_view name) const {
    const auto found = find(name);
    if (!found) return std::nullopt;
    std::size_t count = 0;
    const auto add = [&](auto&&...) -> Result<void> {
        ++count;
        return {};
    };
    if (found->kind() == JsonKind::list) (void)found->each_element(add);
    if (found->kind() == JsonKind::object) (void)found->each_member(add);
    return count;
}

Result<void> with_body(std::string_view body, const std::function<Result<void>(const Reader&)>& read) {
    // One per shard: its buffers are the price of a parse.
    thread_local std::unique_ptr<simdjson::dom::parser> parser;
    if (body.empty()) return table::serialization_error("the request body is empty");  // an SDK sends at least `{}`
    if (body.size() > body_bytes_max) return table::serialization_error("the request body is larger than 16 MB");
    if (!parser) parser = std::make_unique<simdjson::dom::parser>();
    if (parser->capacity() < body.size() || parser->max_depth() != body_depth_max) {
        if (parser->allocate(std::max<std::size_t>(body.size(), 4096), body_depth_max) != simdjson::SUCCESS)
            return table::serialization_error("the request body is too large");
    }
    simdjson::dom::element root;
    const auto failure = parser->parse(body.data(), body.size()).get(root);
    Result<void> done;
    if (failure != simdjson::SUCCESS) {
        done = table::serialization_error(std::string("malformed json: ") + simdjson::error_message(failure));
    } else if (!root.is_object()) {
        done = table::serialization_error("Start of structure expected");
    } else {
        Problems problems;
        done = read(Reader(DomView(root), {}, problems));
    }
    if (body.size() > kept_parser_bytes) parser.reset();
    return done;
}

}  // namespace fogbank::api::dynamodb
