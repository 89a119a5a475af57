// Any bytes as the body of a registry request: read or refused by every reader that the operations share.

#include <cstdint>
#include <nlohmann/json.hpp>

#include "api/iot_members.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fogbank;
    using namespace fogbank::api;
    static const ArnFactory arns(AccountId("000000000000"), Region("us-east-1"));
    Request request;
    request.method = "POST";
    request.body.assign(reinterpret_cast<const char*>(data), size);
    const Call call(std::move(request), QueryParameters());
    const auto body = json_object_body(call, control_body_bytes_max);
    if (!body) return 0;
    static_cast<void>(read_attribute_payload(*body));
    static_cast<void>(read_tags(*body));
    static_cast<void>(optional_object(*body, "thingTypeProperties"));
    static_cast<void>(optional_strings(*body, "thingGroupsToAdd"));
    static_cast<void>(name_or_arn(*body, "thingName", "thingArn", "thing", arns));
    return 0;
}
