// Input: a template; every parameter that it declares gets a value from its own name. Neither a crash nor an endless expansion.
#include <cstdint>
#include <string>

#include "registry/provisioning_template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fogbank::registry;
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    const TemplateParameters parameters{{"SerialNumber", "12-34"}, {"AWS::IoT::Certificate::Id", std::string(64, 'a')}, {"P", ""}};
    for (const TemplateKind kind : {TemplateKind::fleet, TemplateKind::jitp, TemplateKind::register_thing}) {
        static_cast<void>(check_template(body, kind));
        static_cast<void>(expand_template(body, kind, parameters));
    }
    return 0;
}
