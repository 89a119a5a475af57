#include "api/iot_new_tags.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "api/iot_members.h"
#include "common/logging.h"
#include "registry/tag_rules.h"
#include "registry/tags.h"

namespace fogbank::api {

namespace asio = boost::asio;

Result<registry::TagMap> new_tags(const nlohmann::json& body) {
    auto tags = read_tags(body);
    if (!tags) return tags;
    if (auto valid = registry::check_tags(*tags); !valid) return valid.error();
    return tags;
}

asio::awaitable<Result<void>> tag_new_resource(const Services& services, std::string arn, registry::TagMap tags) {
    if (tags.empty()) co_return Result<void>();
    co_return co_await services.rooms.registry.tags().tag_resource(std::move(arn), std::move(tags));
}

asio::awaitable<void> forget_tags(const Services& services, std::string arn) {
    const std::string shown = arn;
    const auto done = co_await services.rooms.registry.tags().forget_resource(std::move(arn));
    if (!done) logger("api").warn("tags of a deleted resource remain arn={} reason={}", log_value(shown), log_value(done.error().message));
}

}  // namespace fogbank::api
