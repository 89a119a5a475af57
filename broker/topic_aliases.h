/// Topic aliases of one connection, both ways. Source: OASIS MQTT 5, section 3.3.2.3.4.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fogbank::broker {

/// What the client's aliases stand for.
class InboundTopicAliases {
  public:
    /// @param alias  1 to the maximum that was announced; the caller checks it.
    void set(std::uint16_t alias, std::string_view topic_name) {
        if (topics_.size() < alias) topics_.resize(alias);
        topics_[alias - 1U] = topic_name;
    }
    /// Empty if the alias was never set.
    std::string_view find(std::uint16_t alias) const {
        return alias <= topics_.size() ? std::string_view(topics_[alias - 1U]) : std::string_view();
    }

  private:
    std::vector<std::string> topics_;
};

/// The aliases that are used towards the client: the first topics that are sent get one and keep it.
class OutboundTopicAliases {
  public:
    void set_maximum(std::uint16_t maximum) { maximum_ = maximum; }
    bool in_use() const { return maximum_ != 0; }

    struct Use {
        std::uint16_t alias = 0;  ///< 0: none for this topic
        bool known = false;       ///< the client knows it: the topic name is left out
    };
    Use use(std::string_view topic_name) {
        const std::string key(topic_name);
        if (const auto found = aliases_.find(key); found != aliases_.end()) return {found->second, true};
        if (aliases_.size() >= maximum_) return {};
        const auto alias = static_cast<std::uint16_t>(aliases_.size() + 1);
        aliases_.emplace(key, alias);
        return {alias, false};
    }

  private:
    std::uint16_t maximum_ = 0;
    std::unordered_map<std::string, std::uint16_t> aliases_;
};

}  // namespace fogbank::broker
