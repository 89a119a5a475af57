// http: the payload as the body of a POST. Source: reference "rules-actions", section 11.

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "rules/actions/service_action.h"
#include "rules/destinations.h"
#include "rules/errc.h"

namespace fogbank::rules {
namespace {

/// Reference "rules", section 7.
constexpr std::size_t headers_max = 100, header_name_bytes_max = 256;

struct HttpHeader {
    std::string name;  ///< lower case
    sql::Template value;
};

struct Parameters {
    sql::Template url;
    std::vector<HttpHeader> headers;
    std::string sign_service, sign_region;
    std::optional<OutboundBatch> batch;
};

/// AWS IoT Developer Guide, "Batching HTTP action messages".
struct BatchLimit {
    std::string_view name;
    std::int64_t low, high;
};
constexpr BatchLimit open_limit{"maxBatchOpenMs", 5, 200}, messages_limit{"maxBatchSize", 2, 10},
    bytes_limit{"maxBatchSizeBytes", 100, 131'072};

class HttpAction final : public OutboundAction {
  public:
    HttpAction(Parameters parameters, const DestinationService& destinations)
        : OutboundAction("HttpAction", "HttpAction failed to make a request to the specified endpoint."),
          parameters_(std::move(parameters)),
          destinations_(destinations) {}

  protected:
    Result<void> prepare(const ActionInput& input, OutboundWork& work) const override {
        work.kind = OutboundWork::Kind::http;
        auto url = expand(parameters_.url, input);
        if (!url) return url.error();
        work.resource = *url;
        if (auto valid = destinations_.check_url(*url); !valid) return valid.error();
        if (!destinations_.allows(*url)) return Error(Errc::evaluation, "no enabled destination covers `" + *url + "`");
        OutboundStep step;
        step.url = std::move(*url);
        const bool json = !input.output.is_raw() || parameters_.batch;
        step.headers["content-type"] = json ? "application/json" : "application/octet-stream";
        for (const HttpHeader& header : parameters_.headers) {
            auto value = expand(header.value, input);
            if (!value) return value.error();
            if (value->find_first_of("\r\n") != std::string::npos)
                return Error(Errc::evaluation, "the value of header `" + header.name + "` has a line break");
            step.headers[header.name] = std::move(*value);
        }
        step.sign_service = parameters_.sign_service;
        step.sign_region = parameters_.sign_region;
        auto payload = payload_of(input);
        if (!payload) return payload.error();
        step.body = std::move(*payload);
        work.batch = parameters_.batch;
        if (auto fits = fit_for_batch(input, step.body); !fits) return fits;
        work.steps.push_back(std::move(step));
        return {};
    }

  private:
    /// An element of a batch is JSON: other text becomes a JSON string, and bytes that are no text cannot be batched.
    Result<void> fit_for_batch(const ActionInput& input, std::string& body) const {
        if (!parameters_.batch || !input.output.is_raw()) return {};
        if (!is_valid_utf8(body)) return Error(Errc::evaluation, "binary payloads cannot be batched: use encode(*, 'base64')");
        if (!nlohmann::json::accept(body)) body = nlohmann::json(body).dump();
        return {};
    }

    Parameters parameters_;
    const DestinationService& destinations_;
};

bool is_header_name(const std::string& name) {
    constexpr std::string_view allowed = "!#$%&'*+-.^_`|~";
    return !name.empty() && name.size() <= header_name_bytes_max && std::all_of(name.begin(), name.end(), [&](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || allowed.find(c) != std::string_view::npos;
    });
}

void read_headers(const ActionDefinition& definition, ParameterReader& read, Parameters& out) {
    const auto found = definition.parameters.find("headers");
    if (found == definition.parameters.end() || found->is_null()) return;
    if (!found->is_array() || found->size() > headers_max) return read.wrong("`headers` must be an array of at most 100 elements");
    for (const nlohmann::json& one : *found) {
        if (!one.is_object()) return read.wrong("a header is an object with `key` and `value`");
        const ActionDefinition inner{one, definition.statement, definition.services, definition.asking, definition.destinations};
        ParameterReader part(inner, "http");
        HttpHeader header{part.literal("key"), part.text("value")};
        if (!part.error() && !is_header_name(header.name)) part.wrong("`" + header.name + "` is not the name of a header");
        if (part.error()) return read.wrong(part.error()->message);
        std::transform(header.name.begin(), header.name.end(), header.name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        out.headers.push_back(std::move(header));
    }
}

void read_auth(const ActionDefinition& definition, ParameterReader& read, Parameters& out) {
    const auto found = definition.parameters.find("auth");
    if (found == definition.parameters.end() || found->is_null()) return;
    const auto sigv4 = found->is_object() ? found->find("sigv4") : found->end();
    if (!found->is_object() || sigv4 == found->end() || !sigv4->is_object()) return read.wrong("`auth` must hold `sigv4`");
    const ActionDefinition inner{*sigv4, definition.statement, definition.services, definition.asking, definition.destinations};
    ParameterReader part(inner, "http");
    out.sign_region = part.literal("signingRegion");
    out.sign_service = part.literal("serviceName");
    part.role();
    if (part.error()) read.wrong(part.error()->message);
}

/// `batchConfig`; AWS's defaults where it says nothing.
OutboundBatch read_batch(const ActionDefinition& definition, ParameterReader& read) {
    OutboundBatch batch;
    const auto found = definition.parameters.find("batchConfig");
    if (found == definition.parameters.end() || found->is_null()) return batch;
    if (!found->is_object()) {
        read.wrong("`batchConfig` must be an object");
        return batch;
    }
    const auto number = [&](const BatchLimit& limit, std::int64_t fallback) {
        const auto given = found->find(limit.name);
        if (given == found->end() || given->is_null()) return fallback;
        const bool good = given->is_number_integer() && *given >= limit.low && *given <= limit.high;
        if (good) return given->get<std::int64_t>();
        read.wrong("`batchConfig." + std::string(limit.name) + "` must be a whole number from " + std::to_string(limit.low) + " to " +
                   std::to_string(limit.high));
        return fallback;
    };
    batch.open = std::chrono::milliseconds(number(open_limit, batch.open.count()));
    batch.messages_max = static_cast<std::size_t>(number(messages_limit, static_cast<std::int64_t>(batch.messages_max)));
    batch.bytes_max = static_cast<std::size_t>(number(bytes_limit, static_cast<std::int64_t>(batch.bytes_max)));
    const ActionDefinition inner{*found, definition.statement, definition.services, definition.asking, definition.destinations};
    ParameterReader part(inner, "http");
    batch.across_topics = part.flag("batchAcrossTopics");
    if (part.error()) read.wrong("`batchConfig.batchAcrossTopics` must be true or false");
    return batch;
}

/// The URL whose owner must confirm.
std::string confirmation_url(const ActionDefinition& definition, ParameterReader& read, const sql::Template& url) {
    const auto given = read.optional_text("confirmationUrl");
    if (!given) {
        if (url.constant() != nullptr) return *url.constant();
        read.wrong("`confirmationUrl` is needed when `url` holds a substitution template");
        return {};
    }
    if (given->constant() == nullptr) return {};  // such destinations are created by hand
    const std::string whole = definition.parameters["url"].get<std::string>();
    if (!whole.starts_with(*given->constant())) read.wrong("`confirmationUrl` must be a prefix of `url`");
    return *given->constant();
}

}  // namespace

MadeAction make_http_action(const ActionDefinition& definition) {
    ParameterReader read(definition, "http");
    if (definition.services.destinations == nullptr || definition.services.outbox == nullptr)
        return Error(Errc::invalid_request, "http action: this server sends nothing out");
    Parameters parameters;
    parameters.url = read.text("url");
    if (read.error()) return *read.error();
    const std::string confirmed = confirmation_url(definition, read, parameters.url);
    if (!confirmed.empty()) {
        if (auto valid = definition.services.destinations->check_url(confirmed); !valid) read.wrong(valid.error().message);
        definition.destinations.push_back(confirmed);
    }
    const auto batch = read_batch(definition, read);
    if (read.flag("enableBatching")) parameters.batch = batch;
    read_headers(definition, read, parameters);
    read_auth(definition, read, parameters);
    if (read.error()) return *read.error();
    return std::make_unique<HttpAction>(std::move(parameters), *definition.services.destinations);
}

}  // namespace fogbank::rules
