// Input: the form body of a query-protocol request. No crash, and every answer is one XML element with its text escaped.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "api/query_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fogbank::api;
    const std::string body(reinterpret_cast<const char*>(data), size);
    auto form = parse_form(body);
    if (!form) return 0;
    const Call call(Request(), std::move(*form));
    static_cast<void>(form_tags(call));
    static_cast<void>(form_list(call, "TagKeys"));
    static_cast<void>(form_integer(call, "MaxItems", 1, 1000, 100));
    nlohmann::ordered_json result = nlohmann::ordered_json::object();
    for (const auto& [name, value] : call.query) result["Value"].push_back(value);
    const Response response = xml_response("Op", "https://example/", result, "id");
    std::size_t opened = 0, closed = 0;
    for (const char c : response.body) {
        opened += c == '<' ? 1 : 0;
        closed += c == '>' ? 1 : 0;
    }
    if (opened != closed) std::abort();
    return 0;
}
