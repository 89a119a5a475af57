/// A context out of a map, and the words of decisions.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "policy/document.h"

namespace fogbank::policy {

class MapContext final : public Context {
  public:
    MapContext() = default;
    /// Values are strings or arrays of strings; null stands for an absent key.
    explicit MapContext(const nlohmann::json& values) {
        for (const auto& [key, value] : values.items()) {
            if (value.is_string()) set(key, {value.get<std::string>()});
            if (value.is_array()) set(key, value.get<std::vector<std::string>>());
        }
    }
    void set(const std::string& key, std::vector<std::string> values) { values_[lower(key)] = std::move(values); }
    const std::vector<std::string>* find(std::string_view key) const override {
        const auto found = values_.find(lower(std::string(key)));
        return found == values_.end() ? nullptr : &found->second;
    }

  private:
    static std::string lower(std::string text) {
        for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        return text;
    }
    std::map<std::string, std::vector<std::string>> values_;
};

inline std::string outcome_name(Decision::Outcome outcome) {
    switch (outcome) {
        case Decision::Outcome::allowed:
            return "allowed";
        case Decision::Outcome::implicit_deny:
            return "implicit_deny";
        case Decision::Outcome::explicit_deny:
            return "explicit_deny";
    }
    return "?";
}

}  // namespace fogbank::policy
