// Paths, literals and parameters.
#include <charconv>

#include "store/table/detail/errors.h"
#include "store/table/detail/limits.h"
#include "store/table/detail/number.h"
#include "store/table/detail/partiql_parser.h"

namespace fogbank::store::table {

Result<std::string> PartiQlParser::name() {
    if (now().kind != PartiQlWord::Kind::identifier && now().kind != PartiQlWord::Kind::quoted) return unexpected();
    return words_[at_++].text;
}

bool PartiQlParser::is_path() const {
    if (now().kind == PartiQlWord::Kind::quoted) return true;
    return now().kind == PartiQlWord::Kind::identifier && !is_word("TRUE") && !is_word("FALSE") && !is_word("NULL");
}

Result<DocumentPath> PartiQlParser::path() {
    DocumentPath out;
    auto first = name();
    if (!first) return first.error();
    PathStep top;
    top.name = std::move(*first);
    out.steps.push_back(std::move(top));
    for (;;) {
        PathStep step;
        if (take(".")) {
            auto next = name();
            if (!next) return next.error();
            step.name = std::move(*next);
        } else if (now().text == "[" && now().kind == PartiQlWord::Kind::symbol && after().kind == PartiQlWord::Kind::number) {
            ++at_;
            std::uint32_t index = 0;
            const std::string& digits = now().text;
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
            if (error != std::errc() || end != digits.data() + digits.size()) return unexpected();
            ++at_;
            step.index = index;
            if (auto close = expect("]"); !close) return close.error();
        } else {
            return out;
        }
        out.steps.push_back(std::move(step));
    }
}

Result<AttributeValue> PartiQlParser::literal() {
    if (auto depth = deeper(); !depth) return depth.error();
    auto value = inner_literal();
    --depth_;
    return value;
}

Result<AttributeValue> PartiQlParser::inner_literal() {
    if (take("?")) return parameter();
    if (take_word("TRUE")) return AttributeValue(true);
    if (take_word("FALSE")) return AttributeValue(false);
    if (take_word("NULL")) return AttributeValue(Null());
    if (now().kind == PartiQlWord::Kind::string) return AttributeValue(words_[at_++].text);
    const bool negative = take("-");
    if (now().kind == PartiQlWord::Kind::number) {
        auto number = parse_number((negative ? "-" : "") + words_[at_++].text);
        if (!number) return number.error();
        return AttributeValue(*number);
    }
    if (negative) return unexpected();
    if (take("[")) return list();
    if (take("<<")) return set();
    if (take("{")) return map();
    return unexpected();
}

Result<AttributeValue> PartiQlParser::parameter() {
    if (parameters_ == nullptr) return AttributeValue(Null());
    if (next_parameter_ >= parameters_->size()) return validation("Number of parameters in request and statement don't match.");
    return (*parameters_)[next_parameter_++];
}

Result<AttributeValue> PartiQlParser::list() {
    List out;
    if (take("]")) return AttributeValue(std::move(out));
    do {
        auto one = literal();
        if (!one) return one;
        out.push_back(std::move(*one));
    } while (take(","));
    if (auto close = expect("]"); !close) return close.error();
    return AttributeValue(std::move(out));
}

Result<AttributeValue> PartiQlParser::set() {
    StringSet strings;
    NumberSet numbers;
    do {
        auto one = literal();
        if (!one) return one;
        if (one->string() != nullptr) strings.insert(*one->string());
        if (one->number() != nullptr) numbers.insert(*one->number());
        if (one->string() == nullptr && one->number() == nullptr) return unexpected();
    } while (take(","));
    if (auto close = expect(">>"); !close) return close.error();
    if (!strings.empty() && !numbers.empty()) return validation("All members of a set must be of one type");
    return strings.empty() ? AttributeValue(std::move(numbers)) : AttributeValue(std::move(strings));
}

Result<AttributeValue> PartiQlParser::map() {
    Item out;
    if (take("}")) return AttributeValue(std::move(out));
    do {
        if (now().kind != PartiQlWord::Kind::string && now().kind != PartiQlWord::Kind::quoted) return unexpected();
        std::string key = words_[at_++].text;
        if (auto colon = expect(":"); !colon) return colon.error();
        auto value = literal();
        if (!value) return value;
        out.insert_or_assign(std::move(key), std::move(*value));
    } while (take(","));
    if (auto close = expect("}"); !close) return close.error();
    return AttributeValue(std::move(out));
}

}  // namespace fogbank::store::table
