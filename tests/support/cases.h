/// Test cases as data: a JSON array of objects, each with a `name`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace fogbank::testing {

struct Case {
    std::string name;
    nlohmann::json data;
};

/// All cases of tests/conformance/<relative>. Fails the process loudly if the file is missing, empty, or has two cases of one name.
std::vector<Case> load_cases(std::string_view relative);

/// A case's name with everything but letters and digits turned into `_`.
std::string case_name(const Case& c);

/// Names a parameterised test after its case: INSTANTIATE_TEST_SUITE_P's last argument is `testing::NameOfCase()`.
struct NameOfCase {
    template <class ParamInfo>
    std::string operator()(const ParamInfo& param) const {
        return case_name(param.param);
    }
};

/// For GoogleTest's messages.
void PrintTo(const Case& c, std::ostream* out);

}  // namespace fogbank::testing
