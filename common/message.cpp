#include "common/message.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace fogbank {

Message::Message(Options&& options)
    : payload_size_(static_cast<std::uint32_t>(options.payload.size())),
      topic_size_(static_cast<std::uint16_t>(options.topic_name.size())),
      qos_(options.qos),
      retain_(options.retain),
      received_at_(options.received_at),
      origin_(std::move(options.origin)),
      properties_(std::move(options.properties)) {}

MessagePtr Message::create(Options options) {
    const std::string_view topic = options.topic_name;
    const std::string_view payload = options.payload;
    void* memory = ::operator new(sizeof(Message) + topic.size() + payload.size());
    Message* message = ::new (memory) Message(std::move(options));
    char* bytes = static_cast<char*>(memory) + sizeof(Message);
    if (!topic.empty()) std::memcpy(bytes, topic.data(), topic.size());
    if (!payload.empty()) std::memcpy(bytes + topic.size(), payload.data(), payload.size());
    return MessagePtr(message);
}

void intrusive_ptr_add_ref(const Message* message) noexcept {
    message->references_.fetch_add(1, std::memory_order_relaxed);
}

void intrusive_ptr_release(const Message* message) noexcept {
    if (message->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    message->~Message();
    ::operator delete(const_cast<Message*>(message));
}

}  // namespace fogbank
