#include "registry/detail/fleet_message.h"

#include "common/json.h"
#include "registry/errc.h"

namespace fogbank::registry {
namespace {

using nlohmann::json;

constexpr std::size_t payload_bytes_max = 128 * 1024;
constexpr std::size_t depth_max = 8;
constexpr std::size_t parameters_max = 200, parameter_bytes_max = 4096;

/// Counts levels while CBOR is read: the decoder calls itself for each of them, and only a SAX handler sees them in time.
class DepthLimit final : public nlohmann::json_sax<json> {
  public:
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return ++depth_ <= depth_max; }
    bool end_object() override {
        --depth_;
        return true;
    }
    bool start_array(std::size_t) override { return ++depth_ <= depth_max; }
    bool end_array() override {
        --depth_;
        return true;
    }
    bool key(string_t&) override { return true; }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

  private:
    std::size_t depth_ = 0;
};

Result<json> read_cbor(std::string_view payload) {
    const Error wrong(Errc::invalid_request, "The payload is not valid CBOR");
    DepthLimit limit;
    if (!json::sax_parse(payload, &limit, json::input_format_t::cbor)) return wrong;
    json out = json::from_cbor(payload, true, false);
    if (out.is_discarded()) return wrong;
    return out;
}

void read_body(std::string_view payload, FleetRequest& out) {
    if (payload.size() > payload_bytes_max) {
        out.error = "The payload is too large";
        return;
    }
    if (payload.empty()) return;
    auto body = out.cbor ? read_cbor(payload) : parse_json(payload, {payload_bytes_max, depth_max});
    if (!body) {
        out.error = out.cbor ? body.error().message : "The payload is not valid JSON: " + body.error().message;
    } else if (!body->is_object()) {
        out.error = "The payload must be an object";
    } else {
        out.body = std::move(*body);
    }
}

bool take_format(std::string_view format, FleetRequest& out) {
    out.cbor = format == "cbor";
    return format == "json" || format == "cbor";
}

bool read_topic(std::string_view topic, FleetRequest& out) {
    constexpr std::string_view create = "$aws/certificates/create/", from_csr = "$aws/certificates/create-from-csr/";
    constexpr std::string_view templates = "$aws/provisioning-templates/", provision = "/provision/";
    if (topic.starts_with(create)) return take_format(topic.substr(create.size()), out);
    if (topic.starts_with(from_csr)) {
        out.kind = FleetRequest::Kind::create_from_csr;
        return take_format(topic.substr(from_csr.size()), out);
    }
    if (!topic.starts_with(templates)) return false;
    topic.remove_prefix(templates.size());
    const std::size_t end = topic.find('/');
    if (end == std::string_view::npos || !topic.substr(end).starts_with(provision)) return false;
    out.kind = FleetRequest::Kind::provision;
    out.template_name = topic.substr(0, end);
    return take_format(topic.substr(end + provision.size()), out);
}

}  // namespace

std::optional<FleetRequest> read_fleet_request(const Message& message) {
    FleetRequest out;
    if (!read_topic(message.topic_name(), out)) return std::nullopt;
    out.topic = message.topic_name();
    out.client_id = message.origin().client_id;
    out.principal_id = message.origin().principal_id;
    out.qos = message.qos();
    read_body(message.payload(), out);
    return out;
}

Result<TemplateParameters> read_parameters(const json& body) {
    TemplateParameters out;
    const auto found = body.find("parameters");
    if (found == body.end() || found->is_null()) return out;
    if (!found->is_object() || found->size() > parameters_max)
        return Error(Errc::invalid_request, "parameters must be an object with at most 200 members");
    for (const auto& [name, value] : found->items()) {
        if (!value.is_string() || value.get_ref<const std::string&>().size() > parameter_bytes_max)
            return Error(Errc::invalid_request, "parameter " + name + " must be a string of at most 4096 bytes");
        out[name] = value.get<std::string>();
    }
    return out;
}

std::string encode_fleet_body(const json& body, bool cbor) {
    if (!cbor) return body.dump(-1, ' ', false, json::error_handler_t::replace);
    const auto bytes = json::to_cbor(body);
    return std::string(bytes.begin(), bytes.end());
}

json rejection(int status, std::string_view code, std::string_view message) {
    return {{"statusCode", status}, {"errorCode", std::string(code)}, {"errorMessage", std::string(message)}};
}

json rejection(const Error& error) {
    if (error.code == Errc::not_authorized) return rejection(403, "ACCESS_DENIED", "Access Denied: " + error.message);
    if (error.code == Errc::resource_not_found) return rejection(404, "ResourceNotFound", error.message);
    if (error.code == Errc::resource_registration_failure) return rejection(400, "InvalidParameters", error.message);
    if (error.code == Errc::store_unavailable) return rejection(500, "InternalFailure", error.message);
    return rejection(400, "InvalidRequest", error.message);
}

}  // namespace fogbank::registry
