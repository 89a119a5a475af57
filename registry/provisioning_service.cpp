#include "registry/provisioning_service.h"

#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <nlohmann/json.hpp>

#include "common/json.h"
#include "common/logging.h"
#include "common/shard.h"
#include "registry/detail/fleet_message.h"
#include "registry/detail/provisioner.h"
#include "registry/function_call.h"

namespace fogbank::registry {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

/// Requests under way at once; each makes an RSA key or a handful of transactions. More are refused with 429.
constexpr int requests_max = 64;

constexpr std::array filters{"$aws/certificates/create/+", "$aws/certificates/create-from-csr/+",
                             "$aws/provisioning-templates/+/provision/+"};

/// The parameters that a certificate's subject gives to just-in-time provisioning. Source: AWS IoT Core Developer Guide, "Just-in-time
/// provisioning".
TemplateParameters subject_parameters(const CertificateRecord& record) {
    constexpr std::string_view prefix = "AWS::IoT::Certificate::";
    TemplateParameters out;
    out[std::string(prefix) + "Id"] = record.id.str();
    const auto certificate = x509::read_certificate_pem(record.pem);
    if (!certificate) return out;
    for (const x509::NameAttribute& one : x509::subject_attributes(*certificate)) {
        const std::string field = one.field == "State" ? "StateName" : one.field;
        out.emplace(std::string(prefix) + field, one.value);  // the first of several
    }
    out.emplace(std::string(prefix) + "SerialNumber", x509::serial_number(*certificate));
    return out;
}

class Service;

/// The service's ear in the topic index. Outlives the service by the publishes that are under way when it stops.
class Ear final : public Subscriber {
  public:
    explicit Ear(Service& service) : service_(&service) {}
    void deliver(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context) override;
    void close() { service_ = nullptr; }

  private:
    std::atomic<Service*> service_;
};

class Service final : public ProvisioningService, public NewcomerObserver {
  public:
    explicit Service(Dependencies dependencies) : deps_(std::move(dependencies)), ear_(std::make_shared<Ear>(*this)) {
        SubscriptionOptions options;
        options.qos = Qos::at_least_once;
        for (const char* filter : filters) deps_.topics.subscribe(filter, ear_, options);
        deps_.registry.certificate_registration().observe_newcomers(this);
    }
    ~Service() override { stop(); }

    asio::awaitable<Result<Provisioned>> register_thing(std::string template_body, TemplateParameters parameters) override {
        auto plan = expand_template(template_body, TemplateKind::register_thing, parameters);
        if (!plan) co_return plan.error();
        Provisioner provisioner(deps_.registry, std::move(*plan));
        co_return co_await provisioner.run();
    }

    asio::awaitable<void> newcomer_connected(CaCertificate ca, CertificateRecord certificate) override;

    void stop() override {
        deps_.registry.certificate_registration().observe_newcomers(nullptr);
        for (const char* filter : filters) deps_.topics.unsubscribe(filter, *ear_);
        ear_->close();
    }

    void hear(const MessagePtr& message);

  private:
    asio::awaitable<void> serve(FleetRequest request);
    asio::awaitable<Result<json>> answer(FleetRequest& request);
    asio::awaitable<Result<json>> create(FleetRequest& request);
    asio::awaitable<Result<json>> provision(FleetRequest& request);
    /// Asks the pre-provisioning hook and merges its overrides. Errors: not_authorized.
    asio::awaitable<Result<void>> ask_hook(const ProvisioningTemplate& one, const CertificateRecord& certificate,
                                           const FleetRequest& request, TemplateParameters& parameters);
    asio::awaitable<void> provision_newcomer(CaCertificate ca, CertificateRecord certificate);
    void send(const FleetRequest& request, std::string_view suffix, const json& body);
    void tell(std::string_view kind, const std::string& client, const std::string& principal, const std::string& topic, std::string detail);

    Dependencies deps_;
    std::shared_ptr<Ear> ear_;
    std::atomic<int> under_way_{0};
};

void Ear::deliver(const MessagePtr& message, const SubscriptionOptions&, PublishContext&) {
    if (Service* service = service_.load()) service->hear(message);
}

void Service::hear(const MessagePtr& message) {
    auto request = read_fleet_request(*message);
    Shard* shard = Shard::current();
    // Only a client that is connected can get the answer.
    if (!request || shard == nullptr || request->client_id.empty()) return;
    if (under_way_.fetch_add(1) >= requests_max) {
        under_way_.fetch_sub(1);
        send(*request, "/rejected", rejection(429, "TooManyRequests", "Too many provisioning requests are under way"));
        return;
    }
    asio::co_spawn(shard->io(), serve(std::move(*request)), asio::detached);
}

asio::awaitable<void> Service::serve(FleetRequest request) {
    std::optional<Result<json>> outcome;
    try {
        auto answered = co_await answer(request);
        outcome.emplace(std::move(answered));
    } catch (const std::exception& e) {
        logger("registry").error("provisioning request threw topic={} error={}", log_value(request.topic), log_value(e.what()));
        outcome.emplace(Error(Errc::store_unavailable, "an internal error occurred"));
    }
    under_way_.fetch_sub(1);
    if (*outcome) {
        send(request, "/accepted", **outcome);
        co_return;
    }
    const Error& error = outcome->error();
    tell("provisioning_refused", request.client_id, request.principal_id, request.topic, error.message);
    send(request, "/rejected", rejection(error));
}

asio::awaitable<Result<json>> Service::answer(FleetRequest& request) {
    if (!request.error.empty()) co_return Error(Errc::invalid_request, request.error);
    if (request.kind == FleetRequest::Kind::provision) co_return co_await provision(request);
    co_return co_await create(request);
}

asio::awaitable<Result<json>> Service::create(FleetRequest& request) {
    std::optional<std::string> csr;
    if (request.kind == FleetRequest::Kind::create_from_csr) {
        csr = json_string(request.body, "certificateSigningRequest");
        if (csr->empty()) co_return Error(Errc::invalid_request, "certificateSigningRequest is missing");
    }
    auto made = co_await deps_.registry.certificate_registration().issue_unclaimed(std::move(csr));
    if (!made) co_return made.error();
    json out{{"certificateId", made->certificate.id.str()},
             {"certificatePem", made->certificate.pem},
             {"certificateOwnershipToken", made->ownership_token}};
    if (!made->private_key_pem.empty()) out["privateKey"] = made->private_key_pem;
    co_return out;
}

asio::awaitable<Result<json>> Service::provision(FleetRequest& request) {
    const auto state = deps_.access.state();
    const auto found = state->templates.find(request.template_name);
    if (found == state->templates.end()) co_return Error(Errc::resource_not_found, "Template " + request.template_name + " not found");
    const ProvisioningTemplate& one = found->second;
    if (!one.enabled || one.type != "FLEET_PROVISIONING")
        co_return Error(Errc::invalid_request, "Template " + one.name + " is not enabled for fleet provisioning");
    auto parameters = read_parameters(request.body);
    if (!parameters) co_return parameters.error();
    auto certificate =
        co_await deps_.registry.certificate_registration().redeem_ownership(json_string(request.body, "certificateOwnershipToken"));
    if (!certificate) co_return certificate.error();
    if (!one.hook_function_arn.empty()) {
        const auto allowed = co_await ask_hook(one, *certificate, request, *parameters);
        if (!allowed) co_return allowed.error();
    }
    (*parameters)["AWS::IoT::Certificate::Id"] = certificate->id.str();
    const auto version = one.versions.find(one.default_version);
    if (version == one.versions.end()) co_return Error(Errc::invalid_request, "Template " + one.name + " has no default version");
    auto plan = expand_template(version->second.body, TemplateKind::fleet, *parameters);
    if (!plan) co_return plan.error();
    if (plan->certificate && plan->certificate->certificate_id != certificate->id.str())
        co_return Error(Errc::invalid_request, "The template's certificate must be the one of the ownership token");
    Provisioner provisioner(deps_.registry, std::move(*plan));
    auto made = co_await provisioner.run();
    if (!made) co_return made.error();
    json out{{"deviceConfiguration", json::parse(made->device_configuration, nullptr, false)}};
    if (!made->thing_name.empty()) out["thingName"] = made->thing_name;
    co_return out;
}

asio::awaitable<Result<void>> Service::ask_hook(const ProvisioningTemplate& one, const CertificateRecord& certificate,
                                                const FleetRequest& request, TemplateParameters& parameters) {
    const json event{{"claimCertificateId", request.principal_id},
                     {"certificateId", certificate.id.str()},
                     {"certificatePem", certificate.pem},
                     {"templateArn", deps_.arns.iot("provisioningtemplate/" + one.name)},
                     {"templateName", one.name},
                     {"clientId", request.client_id},
                     {"parameters", parameters}};
    std::string text = event.dump(-1, ' ', false, json::error_handler_t::replace);
    const auto answered = co_await call_in_time(deps_.functions, one.hook_function_arn, std::move(text));
    if (!answered) co_return answered.error();
    const auto body = parse_json(*answered);
    const bool allowed = body && body->is_object() && body->value("allowProvisioning", json()) == json(true);
    if (!allowed) co_return Error(Errc::not_authorized, "The pre-provisioning hook did not allow it");
    const auto overrides = body->find("parameterOverrides");
    if (overrides == body->end() || !overrides->is_object()) co_return Result<void>();
    for (const auto& [name, value] : overrides->items()) {
        if (value.is_string()) parameters[name] = value.get<std::string>();
    }
    co_return Result<void>();
}

asio::awaitable<void> Service::newcomer_connected(CaCertificate ca, CertificateRecord certificate) {
    const auto now_ms = deps_.clock.now().time_since_epoch().count();
    const json event{{"certificateId", certificate.id.str()},
                     {"caCertificateId", ca.id},
                     {"timestamp", now_ms},
                     {"certificateStatus", "PENDING_ACTIVATION"},
                     {"awsAccountId", deps_.arns.account().str()},
                     {"certificateRegistrationTimestamp", std::to_string(certificate.created_at.time_since_epoch().count())}};
    const std::string topic = "$aws/events/certificates/registered/" + ca.id, payload = event.dump();
    Message::Options options;
    options.topic_name = topic;
    options.payload = payload;
    options.origin = std::make_shared<MessageOrigin>();
    options.received_at = deps_.clock.now();
    deps_.publisher.publish(Message::create(std::move(options)), {});
    const bool has_template = !ca.registration.template_body.empty() || !ca.registration.template_name.empty();
    if (has_template) co_await provision_newcomer(std::move(ca), std::move(certificate));
}

asio::awaitable<void> Service::provision_newcomer(CaCertificate ca, CertificateRecord certificate) {
    std::string body = ca.registration.template_body;
    if (!ca.registration.template_name.empty()) {
        const auto state = deps_.access.state();
        const auto found = state->templates.find(ca.registration.template_name);
        const bool usable =
            found != state->templates.end() && found->second.enabled && found->second.versions.contains(found->second.default_version);
        if (usable) body = found->second.versions.at(found->second.default_version).body;
    }
    auto plan = expand_template(body, TemplateKind::jitp, subject_parameters(certificate));
    std::string failure = plan ? std::string() : plan.error().message;
    if (plan) {
        Provisioner provisioner(deps_.registry, std::move(*plan));
        const auto made = co_await provisioner.run();
        if (!made) failure = made.error().message;
    }
    if (failure.empty()) co_return;
    logger("registry")
        .warn("just-in-time provisioning failed certificate={} ca={} reason={}", certificate.id.str(), ca.id, log_value(failure));
    tell("provisioning_refused", {}, certificate.id.str(), {}, failure);
}

void Service::send(const FleetRequest& request, std::string_view suffix, const json& body) {
    const std::string topic = request.topic + std::string(suffix);
    const std::string payload = encode_fleet_body(body, request.cbor);
    Message::Options options;
    options.topic_name = topic;
    options.payload = payload;
    options.qos = request.qos;
    options.origin = std::make_shared<MessageOrigin>();
    options.received_at = deps_.clock.now();
    deps_.direct.publish_to(ClientId(request.client_id), Message::create(std::move(options)));
}

void Service::tell(std::string_view kind, const std::string& client, const std::string& principal, const std::string& topic,
                   std::string detail) {
    if (deps_.activity == nullptr) return;
    Activity activity;
    activity.at = deps_.clock.now();
    activity.kind = kind;
    activity.client_id = client;
    activity.principal_id = principal;
    activity.topic = topic;
    activity.detail = std::move(detail);
    deps_.activity->record(std::move(activity));
}

}  // namespace

std::unique_ptr<ProvisioningService> make_provisioning_service(ProvisioningService::Dependencies dependencies) {
    return std::make_unique<Service>(std::move(dependencies));
}

}  // namespace fogbank::registry
