// The port that AWS has on 443, as far as it speaks HTTP.
#include "api/answer.h"
#include "api/dispatcher.h"
#include "api/sigv4.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;

constexpr std::string_view authorizer_name_key = "x-amz-customauthorizer-name";
/// Health and metrics are for operators, who are at the API port.
constexpr std::string_view operators_prefix = "/_fogbank/";

class DoorDispatcher final : public RequestHandler {
  public:
    explicit DoorDispatcher(const Services& services)
        : services_(services), devices_(make_certificate_dispatcher(services)), callers_(make_api_dispatcher(services)) {}

    std::size_t body_bytes_max(const Request& head) override { return chosen(head).body_bytes_max(head); }
    Response refuse_body(const Request& head) override { return chosen(head).refuse_body(head); }
    Response refuse_connection(unsigned status, std::string_view reason) override { return callers_->refuse_connection(status, reason); }

    asio::awaitable<Response> handle(Request request) override {
        if (request.path.starts_with(operators_prefix)) co_return plain_response(404, "not found\n", services_.rooms.random.uuid());
        RequestHandler& handler = chosen(request);
        co_return co_await handler.handle(std::move(request));
    }

  private:
    RequestHandler& chosen(const Request& head) {
        const bool device = !head.client_certificate_der.empty() || names_custom_authorizer(head);
        return device ? *devices_ : *callers_;
    }

    Services services_;
    std::shared_ptr<RequestHandler> devices_, callers_;
};

}  // namespace

bool names_custom_authorizer(const Request& request) {
    if (request.header("authorization").value_or("").starts_with("AWS4-HMAC-SHA256")) return false;
    if (request.header(authorizer_name_key)) return true;
    const auto query = parse_query(request.query);
    if (!query) return false;
    for (const auto& [name, value] : *query) {
        if (name == authorizer_name_key) return true;
    }
    return false;
}

std::shared_ptr<RequestHandler> make_door_dispatcher(Services services) {
    return std::make_shared<DoorDispatcher>(services);
}

}  // namespace fogbank::api
