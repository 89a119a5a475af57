/// A std::map behind the engine's interface, for tests. Passes the same conformance suite; nothing is durable. Handlers run inline on the
/// caller's thread.
#pragma once

#include <memory>

#include "store/kv/engine.h"

namespace fogbank::store::kv {

std::unique_ptr<Engine> make_memory_engine();

}  // namespace fogbank::store::kv
