// decode(…, 'proto', …): bytes to JSON by a descriptor (declared in rules/functions.h).

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include "rules/functions.h"

namespace fogbank::rules::sql {
namespace {

namespace pb = google::protobuf;

/// Reference "rules", section 7: "descriptor 32 KiB", "inbound 128 KiB".
constexpr std::size_t descriptor_bytes_max = 32 * 1024, payload_bytes_max = 128 * 1024;
constexpr int nesting_max = 64;

/// Keeps libprotobuf's own words about bad descriptors off the standard error.
class SilentErrors final : public pb::DescriptorPool::ErrorCollector {
  public:
    void AddError(const std::string&, const std::string&, const pb::Message*, ErrorLocation, const std::string& message) override {
        if (first.empty()) first = message;
    }
    std::string first;
};

/// The type's name may leave out the package of its file.
const pb::Descriptor* find_type(const pb::DescriptorPool& pool, const pb::FileDescriptor& file, const std::string& type) {
    if (const auto* found = pool.FindMessageTypeByName(type)) return found;
    return file.package().empty() ? nullptr : pool.FindMessageTypeByName(file.package() + "." + type);
}

const pb::FileDescriptor* build(pb::DescriptorPool& pool, const pb::FileDescriptorSet& set, const std::string& file, std::string& failure) {
    SilentErrors errors;
    for (const auto& one : set.file()) {
        if (pool.BuildFileCollectingErrors(one, &errors) == nullptr) {
            failure = "the descriptor is not usable: " + errors.first;
            return nullptr;
        }
    }
    const auto* found = pool.FindFileByName(file);
    if (found == nullptr) failure = "the descriptor has no file `" + file + "`";
    return found;
}

}  // namespace

std::optional<std::string> protobuf_to_json(std::string_view bytes, std::string_view descriptor_set, std::string_view file,
                                            std::string_view type, std::string& failure) {
    pb::FileDescriptorSet set;
    if (descriptor_set.size() > descriptor_bytes_max || bytes.size() > payload_bytes_max ||
        !set.ParseFromArray(descriptor_set.data(), static_cast<int>(descriptor_set.size()))) {
        failure = "the object is not a FileDescriptorSet of at most 32 KiB, or the payload is longer than 128 KiB";
        return std::nullopt;
    }
    pb::DescriptorPool pool;
    const auto* described = build(pool, set, std::string(file), failure);
    if (described == nullptr) return std::nullopt;
    const auto* descriptor = find_type(pool, *described, std::string(type));
    if (descriptor == nullptr) {
        failure = "the descriptor has no message type `" + std::string(type) + "`";
        return std::nullopt;
    }
    pb::DynamicMessageFactory factory(&pool);
    const std::unique_ptr<pb::Message> message(factory.GetPrototype(descriptor)->New());
    pb::io::CodedInputStream input(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
    input.SetRecursionLimit(nesting_max);
    if (!message->ParseFromCodedStream(&input) || !input.ConsumedEntireMessage()) {
        failure = "the payload is not such a message";
        return std::nullopt;
    }
    std::string json;
    if (!pb::util::MessageToJsonString(*message, &json).ok()) {
        failure = "the message has no JSON form";
        return std::nullopt;
    }
    return json;
}

}  // namespace fogbank::rules::sql
