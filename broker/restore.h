/// Brings sessions and their messages back from the store at start-up.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <string>
#include <vector>

#include "common/message.h"
#include "common/result.h"

namespace fogbank::broker {

struct Core;

/// The will of a client that was connected, with a clean session, when the server ended without saying goodbye.
struct LostWill {
    std::string key;  ///< of its record, to be erased when the will is published
    MessagePtr message;
};

/// Sessions that expired meanwhile are erased. Before the listeners are open; the shards may run. Errors: store::kv::Errc.
/// @return wills to be published once everybody who listens from within is there.
boost::asio::awaitable<Result<std::vector<LostWill>>> restore_sessions(Core& core);

}  // namespace fogbank::broker
