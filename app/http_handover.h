/// HTTP that comes in at the broker's ports, served by the API: its streams as HTTP transports.
#pragma once

#include "broker/http_door.h"

namespace fogbank::api {
class ApiServer;
}

namespace fogbank::app {

class HttpHandover final : public broker::HttpDoor {
  public:
    /// Before the broker's doors open; before, connections are dropped. @param api  listening, and alive as long as the doors are open.
    void give_to(api::ApiServer& api) { api_ = &api; }
    void take(broker::HttpArrival arrival) override;

  private:
    api::ApiServer* api_ = nullptr;
};

}  // namespace fogbank::app
