// The port that AWS has on 443, as far as it speaks HTTP.
#include "api/answer.h"
#include "api/dispatcher.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;

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
    RequestHandler& chosen(const Request& head) { return head.client_certificate_der.empty() ? *callers_ : *devices_; }

    Services services_;
    std::shared_ptr<RequestHandler> devices_, callers_;
};

}  // namespace

std::shared_ptr<RequestHandler> make_door_dispatcher(Services services) {
    return std::make_shared<DoorDispatcher>(services);
}

}  // namespace fogbank::api
