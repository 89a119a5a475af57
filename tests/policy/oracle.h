/// The obvious interpreter: walks a policy's JSON for each request, substitutes and matches anew, recursively and slowly. Shares no code
/// with policy/. Knows the elements, wildcards, variables and the string operators that the random documents have.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fogbank::policy::oracle {

using nlohmann::json;
using Values = std::map<std::string, std::vector<std::string>>;

/// One character of a pattern: `*` and `?` may be wild or, out of a variable, literal.
struct Symbol {
    char c;
    bool wild;
};

inline bool match(const std::vector<Symbol>& pattern, std::size_t p, const std::string& text, std::size_t t) {
    if (p == pattern.size()) return t == text.size();
    if (pattern[p].wild && pattern[p].c == '*') {
        for (std::size_t skip = t; skip <= text.size(); ++skip) {
            if (match(pattern, p + 1, text, skip)) return true;
        }
        return false;
    }
    if (t == text.size()) return false;
    return (pattern[p].wild || pattern[p].c == text[t]) && match(pattern, p + 1, text, t + 1);
}

/// False if a variable has no value.
inline bool expand(const std::string& text, const Values& context, std::vector<Symbol>& out) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t end = text.compare(i, 2, "${") == 0 ? text.find('}', i) : std::string::npos;
        if (end == std::string::npos) {
            out.push_back({text[i], text[i] == '*' || text[i] == '?'});
            continue;
        }
        const std::string name = text.substr(i + 2, end - i - 2);
        const auto found = context.find(name);
        if (name == "*" || name == "?" || name == "$") {
            out.push_back({name[0], false});
        } else if (found == context.end() || found->second.size() != 1) {
            return false;
        } else {
            for (const char c : found->second[0]) out.push_back({c, false});
        }
        i = end;
    }
    return true;
}

inline std::vector<std::string> list(const json& value) {
    if (value.is_string()) return {value.get<std::string>()};
    return value.get<std::vector<std::string>>();
}

inline std::vector<std::vector<Symbol>> parts(const std::vector<Symbol>& pattern) {
    std::vector<std::vector<Symbol>> out(1);
    for (const Symbol& s : pattern) {
        if (s.c == ':' && out.size() < 6) {
            out.emplace_back();
        } else {
            out.back().push_back(s);
        }
    }
    return out;
}

inline bool match_arn(const std::vector<Symbol>& pattern, const std::string& arn) {
    const auto wanted = parts(pattern);
    if (wanted.size() < 6) return match(pattern, 0, arn, 0);
    std::vector<Symbol> arn_symbols;
    for (const char c : arn) arn_symbols.push_back({c, false});
    const auto have = parts(arn_symbols);
    if (have.size() < 6) return false;
    for (std::size_t i = 0; i < 6; ++i) {
        std::string text;
        for (const Symbol& s : have[i]) text.push_back(s.c);
        if (!match(wanted[i], 0, text, 0)) return false;
    }
    return true;
}

inline bool action_in(const json& element, std::string action) {
    const auto lower = [](std::string s) {
        for (char& c : s) c = static_cast<char>(std::tolower(c));
        return s;
    };
    for (const std::string& one : list(element)) {
        std::vector<Symbol> pattern;
        for (const char c : lower(one)) pattern.push_back({c, c == '*' || c == '?'});
        if (match(pattern, 0, lower(action), 0)) return true;
    }
    return false;
}

/// StringEquals, StringLike and their Not forms, with and without a set qualifier.
inline bool condition(std::string op, const std::vector<std::string>* present, const json& wanted, const Values& context) {
    const bool all = op.starts_with("ForAllValues:");
    const bool any = op.starts_with("ForAnyValue:");
    if (all || any) op = op.substr(op.find(':') + 1);
    const bool negated = op.find("Not") != std::string::npos;
    const bool like = op.find("Like") != std::string::npos;
    std::vector<std::vector<Symbol>> patterns;
    for (const std::string& one : list(wanted)) {
        std::vector<Symbol> pattern;
        if (expand(one, context, pattern)) {
            if (!like) {
                for (Symbol& s : pattern) s.wild = false;
            }
            patterns.push_back(pattern);
        } else if (negated) {
            return false;
        }
    }
    if (present == nullptr || present->empty()) return all || (negated && !any);
    int holding = 0;
    for (const std::string& value : *present) {
        bool equal = false;
        for (const auto& pattern : patterns) equal = equal || match(pattern, 0, value, 0);
        if (equal != negated) ++holding;
    }
    const bool every = holding == static_cast<int>(present->size());
    if (all || (negated && !any)) return every;
    return holding > 0;
}

inline bool matches(const json& statement, const std::string& action, const std::string& resource, Values context) {
    if (action != "iot:Connect") context.erase("iot:ConnectAttributes");
    const bool not_action = statement.contains("NotAction");
    if (action_in(statement.at(not_action ? "NotAction" : "Action"), action) == not_action) return false;
    const bool not_resource = statement.contains("NotResource");
    bool named = false;
    for (const std::string& one : list(statement.at(not_resource ? "NotResource" : "Resource"))) {
        std::vector<Symbol> pattern;
        const bool resolved = expand(one, context, pattern);
        if (!resolved && not_resource) return false;
        named = named || (resolved && match_arn(pattern, resource));
    }
    if (named == not_resource) return false;
    const json conditions = statement.value("Condition", json::object());
    for (const auto& [op, keys] : conditions.items()) {
        for (const auto& [key, wanted] : keys.items()) {
            const auto found = context.find(key);
            if (!condition(op, found == context.end() ? nullptr : &found->second, wanted, context)) return false;
        }
    }
    return true;
}

/// `allowed`, `implicit_deny` or `explicit_deny`.
inline std::string decide(const std::vector<json>& documents, const std::string& action, const std::string& resource,
                          const Values& context) {
    bool allowed = false;
    for (const json& document : documents) {
        const json& element = document.at("Statement");
        for (const json& statement : element.is_array() ? element : json::array({element})) {
            if (!matches(statement, action, resource, context)) continue;
            if (statement.at("Effect") == "Deny") return "explicit_deny";
            allowed = true;
        }
    }
    return allowed ? "allowed" : "implicit_deny";
}

}  // namespace fogbank::policy::oracle
