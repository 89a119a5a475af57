// Regular expressions with RE2: linear time in the text, whatever the pattern. Source: reference "rules-sql", section 9.2.

#include <re2/re2.h>

#include <array>

#include "rules/functions.h"

namespace fogbank::rules::sql {
namespace {

/// Memory for one compiled pattern; larger ones are invalid. RE2's own default is 8 MB.
constexpr std::int64_t pattern_bytes_max = 1 << 20;

RE2::Options options() {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(pattern_bytes_max);
    return options;
}

re2::StringPiece piece(std::string_view text) {
    return {text.data(), text.size()};
}

/// Java's replacement syntax as RE2's: `$1` becomes `\1`, `\x` the character x. Nothing if it is invalid (a lone `$`, a group that is not
/// there).
std::optional<std::string> rewrite(std::string_view replacement, int groups) {
    std::string out;
    for (std::size_t i = 0; i < replacement.size(); ++i) {
        char c = replacement[i];
        if (c == '$') {
            if (++i == replacement.size() || replacement[i] < '0' || replacement[i] > '9' || replacement[i] - '0' > groups)
                return std::nullopt;
            out += '\\';
            out += replacement[i];
            continue;
        }
        if (c == '\\') {
            if (++i == replacement.size()) return std::nullopt;
            c = replacement[i];
        }
        if (c == '\\') out += '\\';
        out += c;
    }
    return out;
}

Value matches(const CallContext&, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    const auto pattern = to_text(arguments[1]);
    if (!text || !pattern) return {};
    const RE2 expression(piece(pattern->view()), options());
    return expression.ok() ? Value::boolean(RE2::PartialMatch(piece(text->view()), expression)) : Value();
}

Value replace(const CallContext&, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    const auto pattern = to_text(arguments[1]);
    const auto replacement = to_text(arguments[2]);
    if (!text || !pattern || !replacement) return {};
    const RE2 expression(piece(pattern->view()), options());
    if (!expression.ok()) return {};
    const auto rewritten = rewrite(replacement->view(), expression.NumberOfCapturingGroups());
    if (!rewritten) return {};
    // Every match may insert the replacement with ten times the text: refuse what could not fit before it is built.
    if (text->view().size() * (rewritten->size() + 1) > 16 * value_bytes_max) return {};
    std::string out(text->view());
    RE2::GlobalReplace(&out, expression, *rewritten);
    return bounded_string(std::move(out));
}

/// No match is Undefined; AWS documents nothing.
Value substring(const CallContext&, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    const auto pattern = to_text(arguments[1]);
    if (!text || !pattern) return {};
    const RE2 expression(piece(pattern->view()), options());
    re2::StringPiece found;
    if (!expression.ok() || !expression.Match(piece(text->view()), 0, text->view().size(), RE2::UNANCHORED, &found, 1)) return {};
    return Value::string(std::string(found.data(), found.size()));
}

constexpr std::array<Function, 3> table{{
    {"regexp_matches", 2, 2, Version::v2015_10_08, true, false, matches},
    {"regexp_replace", 3, 3, Version::v2015_10_08, true, false, replace},
    {"regexp_substr", 2, 2, Version::v2015_10_08, true, false, substring},
}};

}  // namespace

std::span<const Function> regexp_functions() {
    return table;
}

}  // namespace fogbank::rules::sql
