/// Text in XML answers.
#pragma once

#include <string>
#include <string_view>

namespace fogbank::api {

/// The content of an element: `&`, `<`, `>` as entities; what XML 1.0 or UTF-8 cannot hold becomes `?`.
std::string xml_text(std::string_view text);

}  // namespace fogbank::api
