#include "lambda/host_calls.h"

#include <spdlog/spdlog.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "common/encoding.h"
#include "common/logging.h"
#include "common/topic.h"
#include "store/table/errc.h"
#include "store/table/json.h"

namespace fogbank::lambda {
namespace {

namespace table = store::table;

/// AWS IoT Core quotas, maximum payload.
constexpr std::size_t published_payload_bytes_max = 128 * 1024;

/// A little above DynamoDB's 400 KB for an item; the table store has the exact check.
constexpr std::size_t item_json_bytes_max = 4 * 1024 * 1024;

Invocation& invocation_of(void* state) {
    return *static_cast<Invocation*>(state);
}

/// DynamoDB's exception names, for the person who reads the function's log.
std::string_view exception_name(const boost::system::error_code& code) {
    if (code.category() != table::category()) return "ServiceException";
    switch (static_cast<table::Errc>(code.value())) {
        case table::Errc::validation:
            return "ValidationException";
        case table::Errc::resource_not_found:
            return "ResourceNotFoundException";
        case table::Errc::resource_in_use:
            return "ResourceInUseException";
        case table::Errc::conditional_check_failed:
            return "ConditionalCheckFailedException";
        case table::Errc::item_collection_too_large:
            return "ItemCollectionSizeLimitExceededException";
        case table::Errc::limit_exceeded:
            return "LimitExceededException";
        case table::Errc::serialization:
            return "SerializationException";
        case table::Errc::throttled:
            return "ThrottlingException";
        case table::Errc::access_denied:
            return "AccessDeniedException";
        case table::Errc::unavailable:
        default:
            return "InternalServerError";
    }
}

int refuse(fogbank_sink sink, std::string_view text) {
    sink.set(sink.owner, detail::bytes(text));
    return 1;
}
int refuse(fogbank_sink sink, const Error& error) {
    return refuse(sink, std::string(exception_name(error.code)) + ": " + error.message);
}

int refuse_shadow(const InvocationServices& services, fogbank_sink sink, const Error& error) {
    const auto name = services.shadow_exception.load();
    // Errors of the call itself (time is up, the host stops) are none of the shadows'.
    const std::string_view shadow_name = name == nullptr ? std::string_view() : name(error.code);
    return shadow_name.empty() ? refuse(sink, error) : refuse(sink, std::string(shadow_name) + ": " + error.message);
}

/// AWS IoT's data plane has a name of its own for it.
int forbid(fogbank_sink sink, const Error& error) {
    const bool denied = error.code == table::make_error_code(table::Errc::access_denied);
    return denied ? refuse(sink, "ForbiddenException: " + error.message) : refuse(sink, error);
}

Result<table::Item> item_of(std::string_view json) {
    if (json.size() > item_json_bytes_max) return Error(table::Errc::validation, "Item size has exceeded the maximum allowed size");
    return table::item_from_plain_json(json);
}

/// Its parameters are values: the handler's memory may be gone when this runs.
boost::asio::awaitable<void> read_item(table::TableService* tables, table::GetItemRequest request, std::shared_ptr<PendingCall> call) {
    const auto outcome = co_await tables->get_item(std::move(request));
    if (!outcome) {
        call->complete(outcome.error());
    } else {
        call->complete(outcome->item ? table::plain_json(*outcome->item) : std::string());
    }
}

boost::asio::awaitable<void> delete_item_now(table::TableService* tables, table::DeleteItemRequest request,
                                             std::shared_ptr<PendingCall> call) {
    const auto outcome = co_await tables->delete_item(std::move(request));
    call->complete(outcome ? Result<std::string>(std::string()) : Result<std::string>(outcome.error()));
}
boost::asio::awaitable<void> read_shadow(Shadows* shadows, ThingName thing, std::string shadow, std::shared_ptr<PendingCall> call) {
    auto document = co_await shadows->get_shadow(std::move(thing), std::move(shadow));
    call->complete(std::move(document));
}
boost::asio::awaitable<void> write_shadow(Shadows* shadows, ThingName thing, std::string shadow, std::string document,
                                          std::shared_ptr<PendingCall> call) {
    auto accepted = co_await shadows->update_shadow(std::move(thing), std::move(shadow), std::move(document));
    call->complete(std::move(accepted));
}

/// The key attribute's value as conditions on dynamodb:LeadingKeys have it.
std::string key_text(const table::AttributeValue& value) {
    if (value.string() != nullptr) return *value.string();
    if (value.number() != nullptr) return value.number()->to_plain_string();
    return value.binary() != nullptr ? base64_encode(value.binary()->bytes) : std::string();
}

/// Source: service authorization reference, "Actions, resources, and condition keys for Amazon DynamoDB"; the same questions as the API
/// asks.
AccessRequest item_request(const InvocationServices& services, std::string action, const TableName& name, const table::Item& item) {
    AccessRequest out;
    out.resource = services.arns.table(name);
    std::vector<std::string> attributes;
    for (const auto& [attribute, value] : item) attributes.push_back(attribute);
    const auto partition_key = services.partition_key_of ? services.partition_key_of(name) : std::nullopt;
    const auto leading = partition_key ? item.find(*partition_key) : item.end();
    if (leading != item.end()) out.context.emplace_back("dynamodb:LeadingKeys", std::vector<std::string>{key_text(leading->second)});
    if (!attributes.empty()) out.context.emplace_back("dynamodb:Attributes", std::move(attributes));
    const bool read = action == "GetItem";
    out.context.emplace_back(read ? "dynamodb:Select" : "dynamodb:ReturnValues",
                             std::vector<std::string>{read ? "ALL_ATTRIBUTES" : "NONE"});
    out.action = "dynamodb:" + std::move(action);
    return out;
}

AccessRequest iot_request(const InvocationServices& services, std::string action, std::string_view resource) {
    AccessRequest out;
    out.action = "iot:" + std::move(action);
    out.resource = services.arns.iot(resource);
    return out;
}

MessagePtr message_of(std::string_view topic, std::string_view payload, Qos qos, WallTime now) {
    Message::Options options;
    options.topic_name = topic;
    options.payload = payload;
    options.qos = qos;
    options.origin = std::make_shared<const MessageOrigin>();
    options.received_at = now;
    return Message::create(std::move(options));
}

}  // namespace

/// `make` makes the question; it is asked for only where somebody judges, and before the time is up.
template <class Make>
Result<void> Invocation::authorize(Make make) {
    std::shared_ptr<const CallerAccess> access;
    AccessRequest request;
    {
        const std::lock_guard lock(mutex_);
        if (!done_) return Error(Errc::unavailable, "Task timed out");
        const RoleAccess* roles = services_->role_access;
        if (roles == nullptr) return {};
        const FunctionConfiguration& configuration = record_->configuration;
        if (!access_) access_ = roles->role_access(configuration.role, configuration.name.str());
        if (!*access_) return access_->error();
        access = **access_;
        if (!access) return {};
        request = make(*services_);
    }
    const AccessDecision decision = access->check(request);
    if (decision.allowed()) return {};
    return Error(table::Errc::access_denied, decision.reason);
}

template <class Start>
Result<std::string> Invocation::ask_host(Start start) {
    const auto call = std::make_shared<PendingCall>();
    {
        const std::lock_guard lock(mutex_);
        if (!done_) return Error(Errc::unavailable, "Task timed out");
        pending_ = call;
        start(call);
    }
    auto answer = call->wait();
    const std::lock_guard lock(mutex_);
    pending_ = nullptr;
    return answer;
}

fogbank_host HostCalls::host_table(Invocation& invocation) {
    const FunctionConfiguration& configuration = invocation.record_->configuration;
    fogbank_host host{};
    host.abi_version = FOGBANK_LAMBDA_ABI_VERSION;
    host.struct_size = sizeof(fogbank_host);
    host.state = &invocation;
    host.request_id = detail::bytes(invocation.request_id_);
    host.function_name = detail::bytes(configuration.name.view());
    host.function_arn = detail::bytes(configuration.arn);
    host.deadline_ms = invocation.deadline_ms_;
    host.log = &log;
    host.environment = &environment;
    host.put_item = &put_item;
    host.get_item = &get_item;
    host.publish = &publish;
    host.now_ms = &now_ms;
    host.delete_item = &delete_item;
    host.get_shadow = &get_shadow;
    host.update_shadow = &update_shadow;
    return host;
}

void HostCalls::log(void* state, fogbank_bytes line) {
    invocation_of(state).log_line(detail::view(line));
}

fogbank_bytes HostCalls::environment(void* state, fogbank_bytes name) {
    const auto& variables = invocation_of(state).record_->configuration.environment;
    const auto found = variables.find(std::string(detail::view(name)));
    return found == variables.end() ? fogbank_bytes{nullptr, 0} : detail::bytes(found->second);
}

int HostCalls::put_item(void* state, fogbank_bytes table_name, fogbank_bytes item_json, fogbank_sink error) {
    Invocation& self = invocation_of(state);
    auto item = item_of(detail::view(item_json));
    if (!item) return refuse(error, item.error());
    const TableName target(detail::view(table_name));
    const auto allowed = self.authorize([&](const auto& services) { return item_request(services, "PutItem", target, *item); });
    if (!allowed) return refuse(error, allowed.error());
    const auto answer = self.ask_host([&](const std::shared_ptr<PendingCall>& call) {
        self.services_->tables.put_item(target, std::move(*item), [call](Result<void> result) {
            call->complete(result ? Result<std::string>(std::string()) : Result<std::string>(result.error()));
        });
    });
    return answer ? 0 : refuse(error, answer.error());
}

int HostCalls::get_item(void* state, fogbank_bytes table_name, fogbank_bytes key_json, fogbank_sink item, fogbank_sink error) {
    Invocation& self = invocation_of(state);
    auto key = item_of(detail::view(key_json));
    if (!key) return refuse(error, key.error());
    const TableName target(detail::view(table_name));
    const auto allowed = self.authorize([&](const auto& services) { return item_request(services, "GetItem", target, *key); });
    if (!allowed) return refuse(error, allowed.error());
    table::GetItemRequest request;
    request.table = target;
    request.key = std::move(*key);
    request.consistent_read = true;
    const auto answer = self.ask_host([&](const std::shared_ptr<PendingCall>& call) {
        boost::asio::co_spawn(self.services_->io, read_item(&self.services_->tables, std::move(request), call), boost::asio::detached);
    });
    if (!answer) return refuse(error, answer.error());
    if (!answer->empty()) item.set(item.owner, detail::bytes(*answer));
    return 0;
}

int HostCalls::publish(void* state, fogbank_bytes topic, fogbank_bytes payload, int qos, fogbank_sink error) {
    Invocation& self = invocation_of(state);
    const std::string_view topic_name = detail::view(topic);
    if (qos != 0 && qos != 1) return refuse(error, "InvalidRequestException: qos must be 0 or 1");
    if (const auto valid = validate_topic_name(topic_name, TopicLimits()); !valid)
        return refuse(error, "InvalidRequestException: " + valid.error().message);
    if (payload.size > published_payload_bytes_max) {
        return refuse(
            error, "RequestEntityTooLargeException: the payload is larger than " + std::to_string(published_payload_bytes_max) + " bytes");
    }
    const auto allowed =
        self.authorize([&](const auto& services) { return iot_request(services, "Publish", "topic/" + std::string(topic_name)); });
    if (!allowed) return forbid(error, allowed.error());
    const auto answer = self.ask_host([&](const std::shared_ptr<PendingCall>& call) {
        const Qos level = qos == 0 ? Qos::at_most_once : Qos::at_least_once;
        auto message = message_of(topic_name, detail::view(payload), level, self.services_->clock.now());
        if (level == Qos::at_most_once) {
            self.services_->publisher.publish(std::move(message), {});
            call->complete(std::string());
            return;
        }
        self.services_->publisher.publish(std::move(message), [call](Result<void> result) {
            call->complete(result ? Result<std::string>(std::string()) : Result<std::string>(result.error()));
        });
    });
    return answer ? 0 : refuse(error, answer.error());
}

int HostCalls::delete_item(void* state, fogbank_bytes table_name, fogbank_bytes key_json, fogbank_sink error) {
    Invocation& self = invocation_of(state);
    auto key = item_of(detail::view(key_json));
    if (!key) return refuse(error, key.error());
    const TableName target(detail::view(table_name));
    const auto allowed = self.authorize([&](const auto& services) { return item_request(services, "DeleteItem", target, *key); });
    if (!allowed) return refuse(error, allowed.error());
    table::DeleteItemRequest request;
    request.table = target;
    request.key = std::move(*key);
    const auto answer = self.ask_host([&](const std::shared_ptr<PendingCall>& call) {
        boost::asio::co_spawn(self.services_->io, delete_item_now(&self.services_->tables, std::move(request), call),
                              boost::asio::detached);
    });
    return answer ? 0 : refuse(error, answer.error());
}

int HostCalls::get_shadow(void* state, fogbank_bytes thing, fogbank_bytes shadow, fogbank_sink document, fogbank_sink error) {
    Invocation& self = invocation_of(state);
    Shadows* shadows = self.services_->shadows;
    if (shadows == nullptr) return refuse(error, "ServiceUnavailableException: this server has no shadows");
    const auto allowed = self.authorize(
        [&](const auto& services) { return iot_request(services, "GetThingShadow", "thing/" + std::string(detail::view(thing))); });
    if (!allowed) return forbid(error, allowed.error());
    const auto answer = self.ask_host([&](const std::shared_ptr<PendingCall>& call) {
        boost::asio::co_spawn(self.services_->io,
                              read_shadow(shadows, ThingName(detail::view(thing)), std::string(detail::view(shadow)), call),
                              boost::asio::detached);
    });
    if (!answer) return refuse_shadow(*self.services_, error, answer.error());
    document.set(document.owner, detail::bytes(*answer));
    return 0;
}

int HostCalls::update_shadow(void* state, fogbank_bytes thing, fogbank_bytes shadow, fogbank_bytes document, fogbank_sink accepted,
                             fogbank_sink error) {
    Invocation& self = invocation_of(state);
    Shadows* shadows = self.services_->shadows;
    if (shadows == nullptr) return refuse(error, "ServiceUnavailableException: this server has no shadows");
    if (document.size > published_payload_bytes_max) return refuse(error, "RequestEntityTooLargeException: the document is too large");
    const auto allowed = self.authorize(
        [&](const auto& services) { return iot_request(services, "UpdateThingShadow", "thing/" + std::string(detail::view(thing))); });
    if (!allowed) return forbid(error, allowed.error());
    const auto answer = self.ask_host([&](const std::shared_ptr<PendingCall>& call) {
        boost::asio::co_spawn(self.services_->io,
                              write_shadow(shadows, ThingName(detail::view(thing)), std::string(detail::view(shadow)),
                                           std::string(detail::view(document)), call),
                              boost::asio::detached);
    });
    if (!answer) return refuse_shadow(*self.services_, error, answer.error());
    accepted.set(accepted.owner, detail::bytes(*answer));
    return 0;
}

std::int64_t HostCalls::now_ms(void* state) {
    Invocation& self = invocation_of(state);
    const std::lock_guard lock(self.mutex_);
    // An answered handler's time is up, and the clock may be gone.
    return self.done_ ? self.services_->clock.now().time_since_epoch().count() : self.deadline_ms_;
}

}  // namespace fogbank::lambda
