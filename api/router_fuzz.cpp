// Input: a method, a line break, a request target. The router and the query parser take anything and agree with themselves.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "api/router.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fogbank::api;
    static const Router router{iot_things_operations(),   iot_certificates_operations(), iot_policies_operations(), iot_rules_operations(),
                               iot_endpoint_operations(), iot_data_operations(),         lambda_operations()};
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t line = input.find('\n');
    const std::string method(input.substr(0, line));
    const std::string target(line == std::string_view::npos ? std::string_view() : input.substr(line + 1));
    const std::size_t mark = target.find('?');
    const auto match = router.match(method, std::string_view(target).substr(0, mark));
    if (match && match->operation != nullptr && match->operation->method != method) std::abort();
    if (match) {
        for (const auto& [name, value] : match->labels) {
            if (value.empty()) std::abort();
        }
    }
    if (mark != std::string::npos) static_cast<void>(parse_query(std::string_view(target).substr(mark + 1)));
    return 0;
}
