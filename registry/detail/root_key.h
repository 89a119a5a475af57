/// The root access key as stored.
#pragma once

#include <string>

#include "common/result.h"
#include "store/kv/engine.h"

namespace fogbank::registry {

struct RootKey {
    std::string id, secret;
};

/// The stored key, or `fresh`, which is then stored.
Result<RootKey> root_key_in(store::kv::Transaction& tx, const RootKey& fresh);

}  // namespace fogbank::registry
