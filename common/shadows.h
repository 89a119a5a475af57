/// How rooms that do not link shadow/ read and write device shadows: get_thing_shadow() in SQL, function handlers, the fleet index.
/// Implemented by shadow/. Both calls do what the REST API does, topics included; the caller has been authorized.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "common/ids.h"
#include "common/result.h"

namespace fogbank {

class Shadows {
  public:
    virtual ~Shadows() = default;
    /// The document as GetThingShadow answers it. `shadow_name` empty: the classic shadow. Errors: shadow::Errc (not found, …).
    virtual boost::asio::awaitable<Result<std::string>> get_shadow(ThingName thing, std::string shadow_name) = 0;
    /// As UpdateThingShadow: `document` is the request body; answers the accepted document, after the commit.
    virtual boost::asio::awaitable<Result<std::string>> update_shadow(ThingName thing, std::string shadow_name, std::string document) = 0;
};

}  // namespace fogbank
