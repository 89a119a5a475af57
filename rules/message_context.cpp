#include "rules/message_context.h"

namespace fogbank::rules::sql {
namespace {

constexpr std::string_view basic_ingest_prefix = "$aws/rules/";

std::string_view without_basic_ingest_prefix(std::string_view topic) {
    if (!topic.starts_with(basic_ingest_prefix)) return topic;
    const std::size_t slash = topic.find('/', basic_ingest_prefix.size());
    return slash == std::string_view::npos ? std::string_view() : topic.substr(slash + 1);
}

}  // namespace

void MessageContext::reset(MessagePtr message) {
    message_ = std::move(message);
    topic_ = without_basic_ingest_prefix(message_->topic_name());
    parsed_ = false;
    trace_id_.clear();
}

const Payload& MessageContext::payload() {
    if (!parsed_) payload_.parse(message_->payload());
    parsed_ = true;
    return payload_;
}

const std::string& MessageContext::trace_id(RandomSource& random) {
    if (trace_id_.empty()) trace_id_ = random.uuid();
    return trace_id_;
}

}  // namespace fogbank::rules::sql
