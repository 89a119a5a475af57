#include "broker/connected_wills.h"

#include "broker/detail/record.h"
#include "broker/session_records.h"

namespace fogbank::broker::records {

std::string connected_will_key(std::uint64_t number) {
    return std::move(kind_key("c").number(number)).str();
}

std::string encode(const ConnectedWill& will) {
    detail::RecordWriter out;
    out.number(will.session).number(static_cast<std::uint64_t>(will.delay.count())).text(encode(*will.message));
    return out.take();
}

std::optional<ConnectedWill> decode_connected_will(std::string_view bytes, WallTime ended_at) {
    detail::RecordReader in(bytes);
    ConnectedWill out;
    out.session = in.number();
    out.delay = std::chrono::seconds(static_cast<std::int64_t>(in.number()));
    const std::string_view message = in.text();
    const MessagePtr stored = in.good() ? decode_message(message, true) : nullptr;
    if (!stored) return std::nullopt;
    Message::Options options;
    options.topic_name = stored->topic_name();
    options.payload = stored->payload();
    options.qos = stored->qos();
    options.retain = stored->retain();
    options.origin = stored->shared_origin();
    options.received_at = ended_at;
    if (const MessageProperties* properties = stored->properties())
        options.properties = std::make_unique<const MessageProperties>(*properties);
    out.message = Message::create(std::move(options));
    return out;
}

}  // namespace fogbank::broker::records
