#include "api/dispatcher.h"

#include <nlohmann/json.hpp>

#include "api/answer.h"
#include "api/router.h"
#include "api/sigv4.h"
#include "common/metrics.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;

constexpr std::string_view reserved_prefix = "/_fogbank/";
constexpr std::string_view dynamodb_target = "DynamoDB_20120810.";
/// What a caller that has not shown a known key may make the server read before it is refused.
constexpr std::size_t unauthenticated_body_bytes_max = 64 * 1024;

/// The service that a request is for: what it signed for says first, then its target header, then its path.
Family family_of(std::string_view signing_name, const Request& request) {
    if (signing_name == "iotdata" || signing_name == "iotdevicegateway" || signing_name == "iot-jobs-data") return Family::data;
    if (signing_name == "iot" || signing_name == "execute-api") return Family::control;
    if (signing_name == "dynamodb") return Family::dynamodb;
    if (signing_name == "lambda") return Family::lambda;
    if (request.header("x-amz-target").value_or("").starts_with("DynamoDB")) return Family::dynamodb;
    if (request.path.starts_with("/2015-03-31/functions")) return Family::lambda;
    if (request.path.starts_with("/topics/")) return Family::data;
    return Family::control;
}

std::string claimed_service(const Request& request) {
    const auto claim = sigv4::parse_claim(request);
    return claim ? claim->service : std::string();
}

struct Chosen {
    const Operation* operation = nullptr;
    Family family = Family::control;
    std::vector<std::pair<std::string_view, std::string>> labels;
};

class ApiDispatcher final : public RequestHandler {
  public:
    explicit ApiDispatcher(Services services)
        : services_(std::move(services)),
          control_{iot_things_operations(), iot_certificates_operations(), iot_policies_operations(), iot_rules_operations(),
                   iot_endpoint_operations()},
          data_{iot_data_operations()},
          lambda_{lambda_operations()},
          own_{fogbank_rules_operations()} {}

    std::size_t body_bytes_max(const Request& head) override {
        if (head.path.starts_with(reserved_prefix) && !own_.match(head.method, head.path)) return 0;
        const auto claim = sigv4::precheck(head, services_.rooms.access_keys, services_.rooms.clock.now());
        return claim ? services_.rooms.quotas.bytes(Quota::http_body_bytes) : unauthenticated_body_bytes_max;
    }

    Response refuse_body(const Request& head) override {
        const auto claim = sigv4::precheck(head, services_.rooms.access_keys, services_.rooms.clock.now());
        const Family family = family_of(claim ? claim->service : claimed_service(head), head);
        Error error =
            claim ? Error(Errc::body_too_large, "the request body is larger than " + std::to_string(body_bytes_max(head)) + " bytes")
                  : claim.error();
        return finish(services_, family, "none", services_.rooms.random.uuid(), std::move(error));
    }

    Response refuse_connection(unsigned status, std::string_view reason) override {
        return plain_response(status, reason, services_.rooms.random.uuid());
    }

    asio::awaitable<Response> handle(Request request) override {
        const std::string request_id = services_.rooms.random.uuid();
        if (request.path.starts_with(reserved_prefix) && !own_.match(request.method, request.path)) co_return reserved(request, request_id);
        const auto caller = sigv4::verify(request, services_.rooms.access_keys, services_.rooms.clock.now());
        if (!caller) {
            const Family family = family_of(claimed_service(request), request);
            co_return finish(services_, family, "none", request_id, caller.error());
        }
        auto chosen = choose(caller->service, request);
        if (chosen.operation == nullptr)
            co_return finish(services_, chosen.family, "none", request_id, unknown_operation(chosen.family, request));
        auto query = parse_query(request.query).value_or(QueryParameters());  // verify() refused what cannot be parsed
        Call call(std::move(request), std::move(query));
        call.labels = std::move(chosen.labels);
        call.principal = caller->principal;
        call.request_id = request_id;
        auto outcome = co_await run_operation(*chosen.operation, services_, call);
        co_return finish(services_, chosen.family, chosen.operation->name, request_id, std::move(outcome));
    }

  private:
    Chosen choose(std::string_view signing_name, const Request& request) const {
        Chosen out;
        if (route(own_, request, Family::control, out)) return out;
        out.family = family_of(signing_name, request);
        switch (out.family) {
            case Family::dynamodb:
                out.operation = dynamodb_operation(request);
                break;
            case Family::lambda:
                route(lambda_, request, Family::lambda, out);
                break;
            // IoT's two services are told apart by path as well: hand-written clients sign either name for both.
            case Family::control:
                route(control_, request, Family::control, out) || route(data_, request, Family::data, out);
                break;
            case Family::data:
                route(data_, request, Family::data, out) || route(control_, request, Family::control, out);
                break;
        }
        return out;
    }

    static bool route(const Router& router, const Request& request, Family family, Chosen& out) {
        auto match = router.match(request.method, request.path);
        if (!match || match->operation == nullptr) return false;
        out.operation = match->operation;
        out.labels = std::move(match->labels);
        out.family = family;
        return true;
    }

    static const Operation* dynamodb_operation(const Request& request) {
        std::string_view target = request.header("x-amz-target").value_or("");
        if (request.method != "POST" || !target.starts_with(dynamodb_target)) return nullptr;
        target.remove_prefix(dynamodb_target.size());
        for (const Operation& operation : dynamodb_operations()) {
            if (operation.name == target) return &operation;
        }
        return nullptr;
    }

    static Error unknown_operation(Family family, const Request& request) {
        const std::string what =
            family == Family::dynamodb ? std::string(request.header("x-amz-target").value_or("none")) : request.method + " " + request.path;
        const std::string reason = "this server has no operation `" + what + "`";
        switch (family) {
            case Family::control:
                return Error(Errc::unknown_operation, "Missing Authentication Token: " + reason);
            case Family::data:
                return Error(Errc::method_not_allowed, "The specified combination of HTTP verb and URI is not supported: " + reason);
            case Family::dynamodb:
                return Error(Errc::unknown_operation, reason);
            case Family::lambda:
                return Error(Errc::unknown_operation, "Unable to determine service/operation name to be authorized: " + reason);
        }
        return Error(Errc::unknown_operation, reason);
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
    Router control_, data_, lambda_;
    Router own_;  ///< this server's own operations below /_fogbank; SigV4 like all others
};

class CertificateDispatcher final : public RequestHandler {
  public:
    explicit CertificateDispatcher(Services services) : services_(std::move(services)), data_{iot_data_operations()} {}

    std::size_t body_bytes_max(const Request&) override { return services_.rooms.quotas.bytes(Quota::mqtt_payload_bytes); }

    Response refuse_body(const Request& head) override {
        Error error(Errc::body_too_large, "the payload is larger than " + std::to_string(body_bytes_max(head)) + " bytes");
        return finish(services_, Family::data, "none", services_.rooms.random.uuid(), std::move(error));
    }

    Response refuse_connection(unsigned status, std::string_view reason) override {
        return plain_response(status, reason, services_.rooms.random.uuid());
    }

    /// The certificate is judged for each request, so one that was deactivated a moment ago is refused on an open connection too; the
    /// registry answers from its cache.
    asio::awaitable<Response> handle(Request request) override {
        const std::string request_id = services_.rooms.random.uuid();
        const auto principal = co_await services_.rooms.registry.authenticate_certificate(request.client_certificate_der);
        if (!principal) co_return finish(services_, Family::data, "none", request_id, principal.error());
        auto match = data_.match(request.method, request.path);
        if (!match || match->operation == nullptr) {
            Error error(Errc::method_not_allowed,
                        "The specified combination of HTTP verb and URI is not supported: this server has no data-plane operation `" +
                            request.method + " " + request.path + "`");
            co_return finish(services_, Family::data, "none", request_id, std::move(error));
        }
        auto query = parse_query(request.query);
        if (!query) {
            Error error(Errc::validation, "the query string is not well-formed");
            co_return finish(services_, Family::data, match->operation->name, request_id, std::move(error));
        }
        ConnectionFacts facts;
        facts.source_ip = request.remote_ip;
        facts.server_name = request.server_name;
        const auto permissions = co_await services_.rooms.registry.permissions(*principal, std::move(facts));
        if (!permissions) co_return finish(services_, Family::data, match->operation->name, request_id, permissions.error());
        Call call(std::move(request), std::move(*query));
        call.labels = std::move(match->labels);
        call.principal = *principal;
        call.request_id = request_id;
        call.permissions = permissions->get();
        auto outcome = co_await run_operation(*match->operation, services_, call);
        co_return finish(services_, Family::data, match->operation->name, request_id, std::move(outcome));
    }

  private:
    Services services_;
    Router data_;
};

}  // namespace

std::shared_ptr<RequestHandler> make_api_dispatcher(Services services) {
    return std::make_shared<ApiDispatcher>(std::move(services));
}
std::shared_ptr<RequestHandler> make_certificate_dispatcher(Services services) {
    return std::make_shared<CertificateDispatcher>(std::move(services));
}

}  // namespace fogbank::api
