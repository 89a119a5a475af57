#include "app/settings_sources.h"

#include <toml++/toml.h>
#include <algorithm>
#include <cctype>
#include <sstream>
#include <string_view>

#include "common/common_errc.h"

namespace fogbank::app {
namespace {

Error invalid(std::string message) {
    return {CommonErrc::invalid_configuration, std::move(message)};
}

Result<std::string> scalar(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return std::to_string(number->get());
    return invalid("must be a string or a whole number");
}

Result<std::vector<std::string>> values_of(const toml::node& node) {
    std::vector<std::string> values;
    if (const auto* array = node.as_array()) {
        for (const toml::node& element : *array) {
            auto value = scalar(element);
            if (!value) return value.error();
            values.push_back(std::move(*value));
        }
        return values;
    }
    auto value = scalar(node);
    if (!value) return value.error();
    values.push_back(std::move(*value));
    return values;
}

std::vector<std::string> split_list(const std::string& text) {
    std::vector<std::string> out;
    std::stringstream stream(text);
    for (std::string part; std::getline(stream, part, ',');) {
        if (!part.empty()) out.push_back(part);
    }
    return out;
}

bool is_repeated(std::string_view name) {
    const auto table = settings_table();
    const auto row = std::find_if(table.begin(), table.end(), [&](const SettingRow& candidate) { return candidate.name == name; });
    return row != table.end() && row->repeated;
}

}  // namespace

Result<void> apply_file(Settings& settings, const std::filesystem::path& file) {
    const auto where = [&](const toml::source_region& region) { return file.string() + ":" + std::to_string(region.begin.line); };
    try {
        const toml::table table = toml::parse_file(file.string());
        for (const auto& [key, node] : table) {
            auto values = values_of(node);
            if (!values) return in_context(where(node.source()) + ": setting `" + std::string(key.str()) + "`", values.error());
            if (auto set = set_setting(settings, key.str(), *values); !set) return in_context(where(node.source()), set.error());
        }
    } catch (const toml::parse_error& e) {
        const bool unreadable = e.source().begin.line == 0;
        if (unreadable) return Error(CommonErrc::io_error, file.string() + ": cannot be read");
        return invalid(where(e.source()) + ": " + std::string(e.description()));
    }
    return {};
}

Result<void> apply_environment(Settings& settings, const char* const* environment) {
    constexpr std::string_view prefix = "FOGBANK_";
    for (; *environment != nullptr; ++environment) {
        const std::string_view entry = *environment;
        const std::size_t equals = entry.find('=');
        if (!entry.starts_with(prefix) || equals == std::string_view::npos) continue;
        const std::string_view variable = entry.substr(0, equals);
        if (variable == "FOGBANK_CONFIG") continue;
        std::string name(variable.substr(prefix.size()));
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const std::string value(entry.substr(equals + 1));
        const std::vector<std::string> values = is_repeated(name) ? split_list(value) : std::vector<std::string>{value};
        if (auto set = set_setting(settings, name, values); !set)
            return in_context("environment variable " + std::string(variable), set.error());
    }
    return {};
}

Result<void> apply_values(Settings& settings, const SettingValues& values) {
    for (const auto& [name, given] : values) {
        if (auto set = set_setting(settings, name, given); !set) return set;
    }
    return {};
}

}  // namespace fogbank::app
