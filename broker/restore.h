/// Brings sessions and their messages back from the store at start-up.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "common/result.h"

namespace fogbank::broker {

struct Core;

/// Sessions that expired meanwhile are erased. Before the listeners are open; the shards may run. Errors: store::kv::Errc.
boost::asio::awaitable<Result<void>> restore_sessions(Core& core);

}  // namespace fogbank::broker
