#include "api/dispatcher.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "api/answer.h"
#include "api/aws_service.h"
#include "api/http_manners.h"
#include "api/own_operations.h"
#include "api/private_pages.h"
#include "api/sigv4.h"
#include "common/metrics.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;

constexpr std::string_view reserved_prefix = "/_fogbank/";
/// What a caller that has not shown a known key may make the server read before it is refused.
constexpr std::size_t unauthenticated_body_bytes_max = 64 * 1024;

/// Whether the body's size is known and small enough to be read from anybody: then nobody need ask who it is from.
bool announces_at_most(const Request& head, std::size_t bytes_max) {
    const auto length = head.header("content-length");
    std::size_t bytes = 0;
    if (!length || std::from_chars(length->data(), length->data() + length->size(), bytes).ec != std::errc()) return false;
    return bytes <= bytes_max;
}

std::string claimed_service(const Request& request) {
    const auto claim = sigv4::parse_claim(request);
    return claim ? claim->service : std::string();
}

/// The members of a query-protocol request: a form body, or the query string of a GET.
std::optional<QueryParameters> read_form(const AwsService& service, const Request& request) {
    if (service.protocol != Protocol::query) return QueryParameters();
    return request.method == "POST" ? parse_form(request.body) : parse_query(request.query);
}

/// Whether the caller's IAM policies allow all that the call does. Errors: forbidden, in AWS's words.
Result<void> judge(const Services& services, const AwsService& service, const Operation& operation, const Call& call) {
    if (call.access == nullptr) return {};
    const AccessResolver resolve = operation.access != nullptr ? operation.access : service.access;
    for (const AccessRequest& request : resolve(services, service.iam_prefix, operation, call)) {
        if (const AccessDecision decision = call.access->check(request); !decision.allowed())
            return Error(Errc::forbidden, decision.reason);
    }
    return {};
}

class ApiDispatcher final : public RequestHandler {
  public:
    explicit ApiDispatcher(Services services) : services_(std::move(services)), index_(aws_services()), own_{fogbank_rules_operations()} {}

    std::size_t body_bytes_max(const Request& head) override {
        if (head.path.starts_with(reserved_prefix) && !own_.match(head.method, head.path)) return 0;
        if (announces_at_most(head, unauthenticated_body_bytes_max)) return unauthenticated_body_bytes_max;
        const auto claim = sigv4::precheck(head, services_.rooms.access_keys, services_.rooms.clock.now());
        return claim ? services_.rooms.quotas.bytes(Quota::http_body_bytes) : unauthenticated_body_bytes_max;
    }

    Response refuse_body(const Request& head) override {
        const auto claim = sigv4::precheck(head, services_.rooms.access_keys, services_.rooms.clock.now());
        const AwsService& service = index_.service_of(claim ? claim->service : claimed_service(head), head);
        Error error =
            claim ? Error(Errc::body_too_large, "the request body is larger than " + std::to_string(body_bytes_max(head)) + " bytes")
                  : claim.error();
        return finish(services_, service, "none", services_.rooms.random.uuid(), std::move(error));
    }

    Response refuse_connection(unsigned status, std::string_view reason) override {
        return plain_response(status, reason, services_.rooms.random.uuid());
    }

    asio::awaitable<Response> handle(Request request) override {
        const ClientWishes wishes = wishes_of(request);
        if (auto known = answer_without_credentials(request, services_.rooms.arns.region().view())) {
            dress(wishes, *known);
            co_return std::move(*known);
        }
        Response response = co_await answer(std::move(request));
        dress(wishes, response);
        co_return response;
    }

  private:
    asio::awaitable<Response> answer(Request request) {
        const std::string request_id = services_.rooms.random.uuid();
        const bool is_private = is_private_page(request.path);
        if (!is_private && request.path.starts_with(reserved_prefix) && !own_.match(request.method, request.path))
            co_return reserved(request, request_id);
        if (is_confirmation(request)) {
            auto confirmed = co_await confirm(std::move(request), request_id);
            co_return confirmed;
        }
        const auto caller = sigv4::verify(request, services_.rooms.access_keys, services_.rooms.clock.now(), &signing_keys_);
        if (!caller) {
            const AwsService& service = index_.service_of(claimed_service(request), request);
            const bool is_unsigned = caller.error().code == Errc::missing_authentication_token;
            if (is_unsigned && service.for_certificates && !is_private && wants_authorizer(request))
                co_return co_await handle_custom(std::move(request), request_id);
            co_return finish(services_, service, "none", request_id, caller.error());
        }
        if (is_private) {
            const auto reader = access_of(*caller, request);
            co_return co_await private_page(services_, std::move(request), request_id, reader.get());
        }
        const AwsService& claimed = index_.service_of(caller->service, request);
        if (claimed.protocol == Protocol::json) {
            if (auto decoded = decode_body(request, services_.rooms.quotas.bytes(Quota::http_body_bytes)); !decoded)
                co_return finish(services_, claimed, "none", request_id, decoded.error());
        }
        auto form = read_form(claimed, request);
        if (!form) {
            Error error(Errc::malformed_body, "the form is not well-formed");
            co_return finish(services_, claimed, "none", request_id, std::move(error));
        }
        auto chosen = index_.choose(caller->service, request, *form);
        if (chosen.operation == nullptr)
            co_return finish(services_, *chosen.service, "none", request_id, unknown_operation(*chosen.service, request, *form));
        auto query = parse_query(request.query).value_or(QueryParameters());  // verify() refused what cannot be parsed
        const bool has_form = chosen.service->protocol == Protocol::query;
        Call call(std::move(request), has_form ? std::move(*form) : std::move(query));
        call.labels = std::move(chosen.labels);
        call.principal = caller->principal;
        call.request_id = request_id;
        call.temporary_credentials = caller->temporary;
        const auto access = access_of(*caller, call.request);
        call.access = access.get();
        if (auto allowed = judge(services_, *chosen.service, *chosen.operation, call); !allowed)
            co_return finish(services_, *chosen.service, chosen.operation->name, request_id, allowed.error());
        auto outcome = co_await run_operation(*chosen.operation, services_, call);
        co_return finish(services_, *chosen.service, chosen.operation->name, request_id, std::move(outcome));
    }

    /// The link that confirms an HTTP destination is followed by people and scripts without AWS keys: its token is the secret.
    static bool is_confirmation(const Request& request) {
        return request.method == "GET" && request.path.starts_with("/confirmdestination/") && !request.header("authorization");
    }

    asio::awaitable<Response> confirm(Request request, std::string request_id) {
        const auto chosen = index_.choose("iot", request, QueryParameters());
        if (chosen.operation == nullptr)
            co_return finish(services_, *chosen.service, "none", request_id,
                             unknown_operation(*chosen.service, request, QueryParameters()));
        Call call(std::move(request), QueryParameters());
        call.labels = chosen.labels;
        call.request_id = request_id;
        auto outcome = co_await run_operation(*chosen.operation, services_, call);
        co_return finish(services_, *chosen.service, chosen.operation->name, request_id, std::move(outcome));
    }

    /// Whether an unsigned request is for a custom authorizer: it names one, or there is a default one.
    bool wants_authorizer(const Request& request) const {
        if (services_.rooms.custom_authenticator == nullptr) return false;
        constexpr std::string_view name = "x-amz-customauthorizer-name";
        return request.header(name) || request.query.find(name) != std::string::npos ||
               !services_.rooms.access.state()->default_authorizer.empty();
    }

    /// The data plane for callers that a custom authorizer lets in, judged by the policies it answers.
    asio::awaitable<Response> handle_custom(Request request, std::string request_id) {
        auto match = index_.choose_for_certificate(request);
        const AwsService& service = *match.service;
        auto query = parse_query(request.query);
        if (match.operation == nullptr || !query)
            co_return finish(services_, service, "none", request_id, unknown_operation(service, request, {}));
        CustomCredentials credentials;
        for (const Header& one : request.headers) credentials.headers.emplace_back(one.name, one.value);
        credentials.query_string = request.query;
        credentials.server_name = request.server_name;
        credentials.remote_ip = request.remote_ip;
        ConnectionFacts facts;
        facts.source_ip = request.remote_ip;
        facts.server_name = request.server_name;
        auto grant = co_await services_.rooms.custom_authenticator->authenticate_custom(std::move(credentials), std::move(facts));
        if (!grant) co_return finish(services_, service, match.operation->name, request_id, grant.error());
        Call call(std::move(request), std::move(*query));
        call.labels = std::move(match.labels);
        call.principal = grant->principal;
        call.request_id = request_id;
        call.permissions = grant->permissions.get();
        auto outcome = co_await run_operation(*match.operation, services_, call);
        co_return finish(services_, service, match.operation->name, request_id, std::move(outcome));
    }

    /// Null for who may do everything.
    std::unique_ptr<CallerAccess> access_of(const sigv4::Caller& caller, const Request& request) const {
        if (!caller.grants) return nullptr;
        registry::CallerFacts facts;
        facts.source_ip = request.remote_ip;
        facts.user_agent = request.header("user-agent").value_or("");
        facts.secure_transport = request.secure;
        facts.region = caller.region;
        facts.now = services_.rooms.clock.now();
        return caller.grants->for_request(std::move(facts));
    }

    /// Health and metrics, without credentials.
    Response reserved(const Request& request, std::string_view request_id) const {
        const std::string_view page = std::string_view(request.path).substr(reserved_prefix.size());
        if (page != "healthz" && page != "metrics") return plain_response(404, "not found\n", request_id);
        if (request.method == "GET" || request.method == "HEAD") {
            Response response = plain_response(200, page == "healthz" ? std::string("ok\n") : services_.rooms.metrics.text(), request_id);
            if (page == "metrics") response.content_type = "text/plain; version=0.0.4; charset=utf-8";
            return response;
        }
        const bool options = request.method == "OPTIONS";
        Response response = options ? Response(204) : plain_response(405, "method not allowed\n", request_id);
        if (options) response.headers.emplace_back("x-amzn-RequestId", std::string(request_id));
        response.headers.emplace_back("Allow", "GET, HEAD, OPTIONS");
        return response;
    }

    Services services_;
    ServiceIndex index_;
    sigv4::SigningKeys signing_keys_;
    Router own_;  ///< tells this server's own operations below /_fogbank, which are signed like all others, from the open pages
};

class CertificateDispatcher final : public RequestHandler {
  public:
    explicit CertificateDispatcher(Services services) : services_(std::move(services)), index_(aws_services()) {}

    std::size_t body_bytes_max(const Request&) override { return services_.rooms.quotas.bytes(Quota::mqtt_payload_bytes); }

    Response refuse_body(const Request& head) override {
        Error error(Errc::body_too_large, "the payload is larger than " + std::to_string(body_bytes_max(head)) + " bytes");
        return finish(services_, *index_.choose_for_certificate(head).service, "none", services_.rooms.random.uuid(), std::move(error));
    }

    Response refuse_connection(unsigned status, std::string_view reason) override {
        return plain_response(status, reason, services_.rooms.random.uuid());
    }

    /// The certificate is judged for each request, so one that was deactivated a moment ago is refused on an open connection too; the
    /// registry answers from its cache.
    asio::awaitable<Response> handle(Request request) override {
        const std::string request_id = services_.rooms.random.uuid();
        auto match = index_.choose_for_certificate(request);
        const AwsService& service = *match.service;
        const auto principal = co_await services_.rooms.registry.authenticate_certificate(request.client_certificate_der);
        if (!principal) co_return finish(services_, service, "none", request_id, principal.error());
        if (match.operation == nullptr) {
            Error error(Errc::method_not_allowed,
                        "The specified combination of HTTP verb and URI is not supported: this server has no data-plane operation `" +
                            request.method + " " + request.path + "`");
            co_return finish(services_, service, "none", request_id, std::move(error));
        }
        auto query = parse_query(request.query);
        if (!query) {
            Error error(Errc::validation, "the query string is not well-formed");
            co_return finish(services_, service, match.operation->name, request_id, std::move(error));
        }
        ConnectionFacts facts;
        facts.source_ip = request.remote_ip;
        facts.server_name = request.server_name;
        // The credentials provider is told its thing in a header; the certificate's own thing variables need it too.
        if (const auto thing = request.header("x-amzn-iot-thingname"); thing && request.path.starts_with("/role-aliases/"))
            facts.client_id = ClientId(*thing);
        const bool keeps = request.peer != nullptr && facts.client_id.view().empty();
        std::shared_ptr<Permissions> permissions;
        if (keeps && request.peer->principal_id == principal->id) permissions = request.peer->permissions;
        if (!permissions) {
            auto loaded = co_await services_.rooms.registry.permissions(*principal, std::move(facts));
            if (!loaded) co_return finish(services_, service, match.operation->name, request_id, loaded.error());
            permissions = std::move(*loaded);
            if (keeps) *request.peer = Peer{principal->id, permissions};
        }
        Call call(std::move(request), std::move(*query));
        call.labels = std::move(match.labels);
        call.principal = *principal;
        call.request_id = request_id;
        call.permissions = permissions.get();
        auto outcome = co_await run_operation(*match.operation, services_, call);
        co_return finish(services_, service, match.operation->name, request_id, std::move(outcome));
    }

  private:
    Services services_;
    ServiceIndex index_;
};

}  // namespace

std::shared_ptr<RequestHandler> make_api_dispatcher(Services services) {
    return std::make_shared<ApiDispatcher>(std::move(services));
}
std::shared_ptr<RequestHandler> make_certificate_dispatcher(Services services) {
    return std::make_shared<CertificateDispatcher>(std::move(services));
}

}  // namespace fogbank::api
