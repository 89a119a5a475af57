/// Where the broker's ports give the HTTP requests that come in on them; implemented by app/ over api/.
#pragma once

#include <memory>
#include <string>

#include "broker/stream.h"

namespace fogbank {
class Shard;
}

namespace fogbank::broker {

/// A connection whose peer speaks HTTP and does not want a WebSocket.
struct HttpArrival {
    std::unique_ptr<Stream> stream;  ///< after its handshake; nobody else waits for its descriptor any more
    Shard& shard;                    ///< where it has lived, and where it is handed over
    std::string first_bytes;         ///< what was read of it, at least a method
    std::string source_ip;
    std::string server_name;      ///< SNI
    std::string certificate_der;  ///< the client's, not judged yet; empty: none was presented
};

class HttpDoor {
  public:
    virtual ~HttpDoor() = default;
    /// On the arrival's shard. Takes it, or closes it by letting it go. Must not block.
    virtual void take(HttpArrival arrival) = 0;
};

}  // namespace fogbank::broker
