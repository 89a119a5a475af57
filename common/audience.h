/// Whether a message would reach anybody, for services that would rather not write one that nobody hears.
#pragma once

#include <cstdint>
#include <string_view>

namespace fogbank {

/// Implemented by the broker's router.
class Audience {
  public:
    virtual ~Audience() = default;

    /// Whether a message to `topic_name` that was published now would be delivered to somebody; it may be true where nobody listens. True
    /// for everybody whose subscribe() has returned before. Any thread.
    virtual bool has_audience(std::string_view topic_name) = 0;

    /// A number that another one replaces whenever somebody comes or goes: read before asking, it says how long an answer may be
    /// remembered. Never 0. Any thread.
    virtual std::uint64_t audience_generation() const = 0;
};

}  // namespace fogbank
