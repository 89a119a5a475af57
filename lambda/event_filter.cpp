#include "lambda/event_filter.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "common/json.h"
#include "lambda/errc.h"
#include "lambda/event_sources.h"

namespace fogbank::lambda {
namespace {

using nlohmann::json;
/// Judges one value of the record, never an array; null where the record has no such member.
using Alternative = std::function<bool(const json* value)>;

constexpr std::size_t depth_max = 32;

Error invalid_pattern(std::string_view why) {
    return {Errc::invalid_parameter, "Invalid filter pattern definition. (" + std::string(why) + ")"};
}

bool is_leaf(const json& value) {
    return value.is_string() || value.is_number() || value.is_boolean() || value.is_null();
}

std::string folded(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

Result<Alternative> text_alternative(std::string_view name, const json& operand) {
    if (!operand.is_string()) return invalid_pattern(std::string(name) + " takes a string");
    const std::string text = operand.get<std::string>();
    if (name == "prefix") {
        return Alternative(
            [text](const json* value) { return value && value->is_string() && value->get_ref<const std::string&>().starts_with(text); });
    }
    if (name == "suffix") {
        return Alternative(
            [text](const json* value) { return value && value->is_string() && value->get_ref<const std::string&>().ends_with(text); });
    }
    return Alternative([text = folded(text)](const json* value) {
        return value && value->is_string() && folded(value->get_ref<const std::string&>()) == text;
    });
}

Result<Alternative> anything_but(const json& operand) {
    std::vector<json> refused;
    if (operand.is_array()) {
        refused.assign(operand.begin(), operand.end());
    } else {
        refused.push_back(operand);
    }
    const bool plain = std::all_of(refused.begin(), refused.end(), [](const json& one) { return one.is_string() || one.is_number(); });
    if (refused.empty() || !plain) return invalid_pattern("anything-but takes strings or numbers");
    return Alternative([refused = std::move(refused)](const json* value) {
        return value != nullptr && is_leaf(*value) && std::find(refused.begin(), refused.end(), *value) == refused.end();
    });
}

Result<Alternative> numeric(const json& operand) {
    std::vector<std::pair<std::string, double>> bounds;
    if (!operand.is_array() || operand.empty() || operand.size() > 4 || operand.size() % 2 != 0)
        return invalid_pattern("numeric takes one or two comparisons");
    for (std::size_t i = 0; i < operand.size(); i += 2) {
        if (!operand[i].is_string() || !operand[i + 1].is_number()) return invalid_pattern("numeric takes operators and numbers");
        const std::string comparison = operand[i].get<std::string>();
        if (comparison != "=" && comparison != "<" && comparison != "<=" && comparison != ">" && comparison != ">=")
            return invalid_pattern("unknown comparison `" + comparison + "`");
        bounds.emplace_back(comparison, operand[i + 1].get<double>());
    }
    return Alternative([bounds = std::move(bounds)](const json* value) {
        if (value == nullptr || !value->is_number()) return false;
        const double number = value->get<double>();
        return std::all_of(bounds.begin(), bounds.end(), [number](const auto& bound) {
            const auto& [comparison, limit] = bound;
            if (comparison == "=") return number == limit;
            if (comparison == "<") return number < limit;
            if (comparison == "<=") return number <= limit;
            return comparison == ">" ? number > limit : number >= limit;
        });
    });
}

Result<Alternative> read_alternative(const json& in) {
    if (is_leaf(in)) return Alternative([in](const json* value) { return value != nullptr && *value == in; });
    if (!in.is_object() || in.size() != 1) return invalid_pattern("an alternative is a value or an object with one operator");
    const std::string name = in.begin().key();
    const json& operand = in.begin().value();
    if (name == "prefix" || name == "suffix" || name == "equals-ignore-case") return text_alternative(name, operand);
    if (name == "anything-but") return anything_but(operand);
    if (name == "numeric") return numeric(operand);
    if (name != "exists") return invalid_pattern("unknown operator `" + name + "`");
    if (!operand.is_boolean()) return invalid_pattern("exists takes true or false");
    // Leaf nodes only, as documented.
    if (operand.get<bool>()) return Alternative([](const json* value) { return value != nullptr && is_leaf(*value); });
    return Alternative([](const json* value) { return value == nullptr || !is_leaf(*value); });
}

}  // namespace

struct EventFilter::Fields {
    struct Leaf {
        std::string name;
        std::vector<Alternative> alternatives;
    };
    struct Inner;
    std::vector<Leaf> leaves;
    std::vector<Inner> objects;
    std::vector<std::vector<Fields>> either;  ///< each `$or`

    bool matches(const json& record) const;
};

struct EventFilter::Fields::Inner {
    std::string name;
    Fields fields;
};

namespace {

using Fields = EventFilter::Fields;

bool leaf_matches(const Fields::Leaf& leaf, const json* value) {
    const auto one_matches = [&leaf](const json* one) {
        return std::any_of(leaf.alternatives.begin(), leaf.alternatives.end(), [one](const Alternative& judge) { return judge(one); });
    };
    if (value == nullptr || !value->is_array()) return one_matches(value);
    return std::any_of(value->begin(), value->end(), [&](const json& element) { return one_matches(&element); });
}

Result<Fields> read_fields(const json& in);

Result<std::vector<Fields>> read_either(const json& in) {
    if (!in.is_array() || in.empty()) return invalid_pattern("$or takes an array of patterns");
    std::vector<Fields> out;
    for (const auto& one : in) {
        auto fields = read_fields(one);
        if (!fields) return fields.error();
        out.push_back(std::move(*fields));
    }
    return out;
}

Result<Fields> read_fields(const json& in) {
    if (!in.is_object() || in.empty()) return invalid_pattern("a pattern is an object with members");
    Fields out;
    for (const auto& [name, value] : in.items()) {
        if (name == "$or") {
            auto either = read_either(value);
            if (!either) return either.error();
            out.either.push_back(std::move(*either));
        } else if (value.is_object()) {
            auto inner = read_fields(value);
            if (!inner) return inner.error();
            out.objects.push_back({name, std::move(*inner)});
        } else if (value.is_array() && !value.empty()) {
            Fields::Leaf leaf{name, {}};
            for (const auto& one : value) {
                auto alternative = read_alternative(one);
                if (!alternative) return alternative.error();
                leaf.alternatives.push_back(std::move(*alternative));
            }
            out.leaves.push_back(std::move(leaf));
        } else {
            return invalid_pattern("`" + name + "` must be an object or an array with alternatives");
        }
    }
    return out;
}

}  // namespace

bool EventFilter::Fields::matches(const json& record) const {
    static const json nothing = json::object();
    const auto member = [&record](const std::string& name) {
        const auto found = record.is_object() ? record.find(name) : record.end();
        return record.is_object() && found != record.end() ? &*found : nullptr;
    };
    for (const auto& leaf : leaves) {
        if (!leaf_matches(leaf, member(leaf.name))) return false;
    }
    for (const auto& [name, inner] : objects) {
        // A missing object has missing members, which `exists: false` may want.
        const json* value = member(name);
        if (!inner.matches(value != nullptr ? *value : nothing)) return false;
    }
    return std::all_of(either.begin(), either.end(), [&record](const std::vector<Fields>& patterns) {
        return std::any_of(patterns.begin(), patterns.end(), [&record](const Fields& one) { return one.matches(record); });
    });
}

Result<EventFilter> EventFilter::parse(std::string_view pattern) {
    JsonLimits limits;
    limits.bytes_max = event_filter_bytes_max;
    limits.depth_max = depth_max;
    const auto in = parse_json(pattern, limits);
    if (!in) return invalid_pattern(in.error().message);
    // The empty pattern wants everything.
    auto fields = in->is_object() && in->empty() ? Result<Fields>(Fields()) : read_fields(*in);
    if (!fields) return fields.error();
    EventFilter out;
    out.fields_ = std::make_shared<const Fields>(std::move(*fields));
    return out;
}

bool EventFilter::matches(const json& record) const {
    return fields_->matches(record);
}

bool wanted(const std::vector<EventFilter>& filters, const json& record) {
    return filters.empty() ||
           std::any_of(filters.begin(), filters.end(), [&record](const EventFilter& one) { return one.matches(record); });
}

}  // namespace fogbank::lambda
