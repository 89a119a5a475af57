#include "tests/support/cases.h"

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <set>

namespace fogbank::testing {

std::vector<Case> load_cases(std::string_view relative) {
    const std::string path = std::string(FOGBANK_SOURCE_DIR) + "/tests/conformance/" + std::string(relative);
    std::ifstream file(path);
    const auto fail = [&](const std::string& why) {
        std::cerr << path << ": " << why << "\n";
        std::exit(2);
    };
    if (!file) fail("cannot be read");
    const auto cases = nlohmann::json::parse(file, nullptr, false, true);
    if (!cases.is_array() || cases.empty()) fail("must be a JSON array with at least one case");
    std::vector<Case> out;
    std::set<std::string> names;
    for (const auto& one : cases) {
        Case c{one.at("name").get<std::string>(), one};
        if (!names.insert(case_name(c)).second) fail("two cases with the name `" + c.name + "`");
        out.push_back(std::move(c));
    }
    return out;
}

std::string case_name(const Case& c) {
    std::string out;
    for (const char ch : c.name) out.push_back(std::isalnum(static_cast<unsigned char>(ch)) != 0 ? ch : '_');
    return out;
}

void PrintTo(const Case& c, std::ostream* out) {
    *out << c.name;
}

}  // namespace fogbank::testing
