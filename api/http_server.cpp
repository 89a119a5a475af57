#include "api/http_server.h"

#include <spdlog/spdlog.h>

#include <vector>

#include "api/dispatcher.h"
#include "api/http_listener.h"
#include "api/tls_context.h"
#include "common/logging.h"

namespace fogbank::api {
namespace {

/// After the grace has passed and all sockets are closed: how long their coroutines get to unwind.
constexpr std::chrono::seconds unwind_deadline{2};

class Server final : public ApiServer {
  public:
    explicit Server(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    Result<ApiPorts> listen(const ApiOptions& options) override {
        const Services services{dependencies_, options.endpoint_name};
        ApiPorts ports;
        auto api = open(options, options.api_port, ListenerMode::http_and_https, make_api_dispatcher(services));
        if (!api) return api.error();
        ports.api = (*api)->port();
        std::vector<std::shared_ptr<HttpListener>> opened{*api};
        if (options.https_port >= 0) {
            auto https = open(options, options.https_port, ListenerMode::mutual_tls, make_certificate_dispatcher(services));
            if (!https) return https.error();
            ports.https = (*https)->port();
            opened.push_back(*https);
        }
        for (auto& listener : opened) listener->start();
        ConnectionContext context;
        context.handler = make_door_dispatcher(services);
        context.clock = &dependencies_.clock;
        adopted_ = HttpListener::without_socket(dependencies_.shards, std::move(context));
        opened.push_back(adopted_);
        listeners_ = std::move(opened);
        return ports;
    }

    void adopt(AdoptedConnection adopted) { adopted_->adopt(std::move(adopted)); }

    void stop(std::chrono::milliseconds grace) override {
        const auto deadline = std::chrono::steady_clock::now() + grace;
        for (auto& listener : listeners_) listener->begin_stop();
        bool empty = true;
        for (auto& listener : listeners_) empty &= listener->wait_until_empty(deadline);
        if (!empty) {
            for (auto& listener : listeners_) listener->abort();
            const auto last = std::chrono::steady_clock::now() + unwind_deadline;
            for (auto& listener : listeners_) {
                if (!listener->wait_until_empty(last))
                    logger("api").warn("requests still running at stop port={} connections={}", listener->port(), listener->connections());
            }
        }
        listeners_.clear();
    }

  private:
    Result<std::shared_ptr<HttpListener>> open(const ApiOptions& options, std::int32_t port, ListenerMode mode,
                                               std::shared_ptr<RequestHandler> handler) {
        auto tls = make_tls_context(options, mode);
        if (!tls) return tls.error();
        ConnectionContext context;
        context.handler = std::move(handler);
        context.tls = *tls;
        context.clock = &dependencies_.clock;
        context.mode = mode;
        return HttpListener::open(dependencies_.shards, options.bind, static_cast<std::uint16_t>(port), std::move(context));
    }

    Dependencies dependencies_;
    std::vector<std::shared_ptr<HttpListener>> listeners_;
    std::shared_ptr<HttpListener> adopted_;  ///< one of them
};

}  // namespace

void adopt_connection(ApiServer& server, AdoptedConnection adopted) {
    static_cast<Server&>(server).adopt(std::move(adopted));  // there is no other implementation
}

std::unique_ptr<ApiServer> make_api_server(ApiServer::Dependencies dependencies) {
    return std::make_unique<Server>(std::move(dependencies));
}

}  // namespace fogbank::api
