/// Files of this room that travel inside the program.
#pragma once

#include <string_view>

namespace fogbank::lambda {

extern const std::string_view node_bootstrap, python_bootstrap;  ///< bootstraps/
extern const std::string_view sdk_header, sdk_json_header;       ///< include/fogbank/
extern const std::string_view template_handler, template_cmake;  ///< template/

}  // namespace fogbank::lambda
