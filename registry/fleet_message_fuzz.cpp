// Input: a topic's tail up to the first newline, then the payload. No crash; what is read can be written again in both forms.
#include <cstdint>
#include <string>

#include "registry/detail/fleet_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fogbank;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t line = input.find('\n');
    const std::string topic = "$aws/" + std::string(input.substr(0, line));
    if (topic.size() > 256) return 0;
    Message::Options options;
    options.topic_name = topic;
    options.payload = line == std::string_view::npos ? std::string_view() : input.substr(line + 1);
    options.origin = std::make_shared<MessageOrigin>();
    const auto message = Message::create(std::move(options));
    const auto request = registry::read_fleet_request(*message);
    if (!request) return 0;
    static_cast<void>(registry::read_parameters(request->body));
    static_cast<void>(registry::encode_fleet_body(request->body, true));
    static_cast<void>(registry::encode_fleet_body(request->body, false));
    return 0;
}
