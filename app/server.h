/// The whole server: makes the rooms, wires them, starts and stops them in order.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "api/http_server.h"
#include "broker/broker.h"
#include "common/result.h"
#include "common/settings.h"
#include "registry/access_keys.h"

namespace fogbank::app {

/// What is listening where, and how to get in: the content of endpoints.json.
struct Endpoints {
    std::string bind;
    broker::Ports mqtt;
    api::ApiPorts api;
    std::string ca_file, endpoint_name;
    registry::AccessKey root_key;
};

/// Which doors to open. `provision` without a running server opens only the API, on loopback.
struct Doors {
    bool mqtt = true;
    bool api_on_loopback_only = false;
};

class Server {
  public:
    /// Opens the data folder (locked against a second server), brings every room up, opens the listeners and writes endpoints.json.
    /// Errors: CommonErrc::io_error (folder, lock, port), crypto_failure; store::kv::Errc for a damaged database.
    static Result<std::unique_ptr<Server>> start(const Settings& settings, const Doors& doors);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    const Endpoints& endpoints() const;

    /// Stops in order: no new work, what is under way is finished or left in its durable queue, everything is closed. At most about
    /// `grace`.
    void stop(std::chrono::milliseconds grace);

  private:
    struct Rooms;
    explicit Server(std::unique_ptr<Rooms> rooms);
    std::unique_ptr<Rooms> rooms_;
};

}  // namespace fogbank::app
