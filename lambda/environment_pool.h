/// The warm environments of one function.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/clock.h"
#include "lambda/environment.h"

namespace fogbank::lambda {

/// Any thread. Environments are killed outside the lock.
class EnvironmentPool {
  public:
    /// A warm environment of `identity` (code and configuration), the one that was used last; those of other identities are dropped.
    std::unique_ptr<Environment> take(const std::string& identity);
    /// Keeps it, if `identity` is still what was taken or put last.
    void put(std::unique_ptr<Environment> environment, const std::string& identity, SteadyTime now);
    /// The first environment of a new identity.
    void adopt(std::unique_ptr<Environment> environment, const std::string& identity, SteadyTime now);
    /// Environments that have not been used since `time` go.
    void retire(SteadyTime time);
    /// All that wait go, and those that come back later as well.
    void close();

  private:
    struct Warm {
        std::unique_ptr<Environment> environment;
        SteadyTime since{};
    };
    std::vector<Warm> change_identity(const std::string& identity);
    std::mutex mutex_;
    std::string identity_;
    std::vector<Warm> warm_;
    bool closed_ = false;
};

}  // namespace fogbank::lambda
