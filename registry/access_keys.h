/// Access keys of API callers (SigV4). One root key is made on first start and kept.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>

#include "common/arn.h"
#include "common/authenticator.h"
#include "common/random.h"
#include "common/result.h"
#include "store/kv/engine.h"

namespace fogbank::registry {

struct AccessKey {
    std::string access_key_id;      ///< `AKIA` and 16 of A–Z 2–7
    std::string secret_access_key;  ///< 40 characters
    Principal principal;
};

/// Thread-safe; look-ups are from memory.
class AccessKeys {
  public:
    /// Makes the root key if there is none.
    static boost::asio::awaitable<Result<std::unique_ptr<AccessKeys>>> open(store::kv::Engine& engine, RandomSource& random,
                                                                            ArnFactory arns);
    virtual ~AccessKeys() = default;
    virtual std::optional<AccessKey> find(std::string_view access_key_id) const = 0;
    virtual AccessKey root() const = 0;
};

}  // namespace fogbank::registry
