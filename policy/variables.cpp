#include "policy/detail/variables.h"

#include <algorithm>

namespace fogbank::policy {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// The `${name}` that begins at `at`, or nothing if there is none.
std::optional<std::string_view> variable_at(std::string_view text, std::size_t at) {
    if (text.substr(at, 2) != "${") return std::nullopt;
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) return std::nullopt;
    return text.substr(at + 2, end - at - 2);
}

bool add_variable(std::string_view name, const Context& context, Pattern& out) {
    if (name == "*" || name == "?" || name == "$") {
        out.add_literal(name);
        return true;
    }
    const auto* values = context.find(name);
    if (values == nullptr || values->size() != 1) return false;
    out.add_literal(values->front());
    return true;
}

void add_character(char c, Pattern& out) {
    if (c == '*') {
        out.add_any_run();
    } else if (c == '?') {
        out.add_any_character();
    } else {
        out.add_literal({&c, 1});
    }
}

}  // namespace

std::optional<Pattern> substitute(std::string_view text, const Context* context, std::string& unresolved) {
    Pattern out;
    for (std::size_t at = 0; at < text.size();) {
        const auto name = context == nullptr ? std::nullopt : variable_at(text, at);
        if (!name) {
            add_character(text[at++], out);
            continue;
        }
        if (!add_variable(*name, *context, out)) {
            unresolved = *name;
            return std::nullopt;
        }
        at += name->size() + 3;
    }
    out.prepare();
    return out;
}

bool mentions_variable(std::string_view text, std::string_view key) {
    for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at + 2)) {
        if (const auto name = variable_at(text, at); name && same_key(*name, key)) return true;
    }
    return false;
}

bool all_variables_are(std::string_view text, const Context& context) {
    for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at + 2)) {
        const auto name = variable_at(text, at);
        if (!name || *name == "*" || *name == "?" || *name == "$") continue;
        if (context.find(*name) == nullptr) return false;
    }
    return true;
}

bool same_key(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace fogbank::policy
