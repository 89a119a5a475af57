/// A published message: immutable, reference-counted, its bytes copied once when it came in.
#pragma once

#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"

namespace fogbank {

enum class Qos : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

/// Who published. One object per connection (or per HTTP caller), shared by its messages.
struct MessageOrigin {
    enum class Protocol : std::uint8_t { mqtt, http, internal };

    Protocol protocol = Protocol::internal;
    std::string client_id;     ///< empty unless protocol is mqtt; SQL's clientid() is then `n/a`
    std::string principal_id;  ///< certificate id, or the caller's user id
    std::string source_ip;     ///< text form, empty for internal messages
    bool last_will = false;    ///< the connection's will, published for it; services on reserved topics ignore it
};

/// MQTT 5 PUBLISH properties that travel with a message (OASIS MQTT 5, section 3.3.2.3). Absent for 3.1.1 publishers.
struct MessageProperties {
    std::optional<std::uint8_t> payload_format_indicator;
    std::optional<std::uint32_t> message_expiry_interval_s;
    std::string content_type, response_topic, correlation_data;
    std::vector<std::pair<std::string, std::string>> user_properties;  ///< in the order sent
};

class Message;
using MessagePtr = boost::intrusive_ptr<const Message>;

/// Header, topic and payload live in one allocation. Thread-safe to share: nothing changes after `create`.
class Message {
  public:
    struct Options {
        std::string_view topic_name;  ///< copied
        std::string_view payload;     ///< copied
        Qos qos = Qos::at_most_once;
        bool retain = false;
        std::shared_ptr<const MessageOrigin> origin;  ///< never null
        WallTime received_at{};
        std::unique_ptr<const MessageProperties> properties = nullptr;  ///< may be null
    };
    static MessagePtr create(Options options);

    std::string_view topic_name() const { return {bytes(), topic_size_}; }
    std::string_view payload() const { return {bytes() + topic_size_, payload_size_}; }
    Qos qos() const { return qos_; }
    bool retain() const { return retain_; }
    const MessageOrigin& origin() const { return *origin_; }
    const std::shared_ptr<const MessageOrigin>& shared_origin() const { return origin_; }
    WallTime received_at() const { return received_at_; }
    const MessageProperties* properties() const { return properties_.get(); }

    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;

  private:
    explicit Message(Options&& options);
    ~Message() = default;
    const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }

    friend void intrusive_ptr_add_ref(const Message* message) noexcept;
    friend void intrusive_ptr_release(const Message* message) noexcept;

    mutable std::atomic<std::uint32_t> references_{0};
    std::uint32_t payload_size_;
    std::uint16_t topic_size_;
    Qos qos_;
    bool retain_;
    WallTime received_at_;
    std::shared_ptr<const MessageOrigin> origin_;
    std::unique_ptr<const MessageProperties> properties_;
};

}  // namespace fogbank
