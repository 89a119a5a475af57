#include "store/table/detail/stream_log.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "store/kv/key.h"
#include "store/table/detail/errors.h"
#include "store/table/detail/item_codec.h"
#include "store/table/detail/time_text.h"

namespace fogbank::store::table {
namespace {

using nlohmann::json;

constexpr std::string_view stream_room = "str";
constexpr std::size_t sequence_digits = 21;  // as DynamoDB's
constexpr std::size_t number_bytes = 8;
enum Flag : unsigned char { has_old = 1, has_new = 2, by_ttl = 4 };

kv::KeyBuilder part(std::string_view name) {
    return std::move(kv::KeyBuilder(stream_room).text(name));
}

void put_number(std::string& out, std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}
void put_item(std::string& out, const Item& item, std::size_t bytes) {
    const std::string encoded = encode_item(item, bytes);
    put_number(out, encoded.size());
    out += encoded;
}

/// Takes parts off the front of a stored record.
class RecordReader {
  public:
    explicit RecordReader(std::string_view bytes) : rest_(bytes) {}

    std::optional<unsigned char> byte() {
        if (rest_.empty()) return std::nullopt;
        const auto value = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        return value;
    }
    std::optional<std::uint64_t> number() {
        if (rest_.size() < number_bytes) return std::nullopt;
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < number_bytes; ++i) value = value << 8 | static_cast<unsigned char>(rest_[i]);
        rest_.remove_prefix(number_bytes);
        return value;
    }
    std::optional<Item> item() {
        const auto length = number();
        if (!length || *length > rest_.size()) return std::nullopt;
        auto item = decode_item(rest_.substr(0, *length));
        rest_.remove_prefix(*length);
        return item ? std::optional(std::move(*item)) : std::nullopt;
    }

  private:
    std::string_view rest_;
};

Error corrupt(std::string_view what) {
    return {Errc::unavailable, "a stored " + std::string(what) + " is corrupt"};
}

}  // namespace

std::string_view name_of(StreamViewType view) {
    switch (view) {
        case StreamViewType::keys_only:
            return "KEYS_ONLY";
        case StreamViewType::new_image:
            return "NEW_IMAGE";
        case StreamViewType::old_image:
            return "OLD_IMAGE";
        case StreamViewType::new_and_old_images:
            break;
    }
    return "NEW_AND_OLD_IMAGES";
}

std::string_view name_of(StreamEvent event) {
    return event == StreamEvent::insert ? "INSERT" : event == StreamEvent::modify ? "MODIFY" : "REMOVE";
}

std::string encode_descriptor(const StreamDescriptor& descriptor) {
    json keys = json::array();
    for (const auto& key : descriptor.keys) keys.push_back({{"name", key.attribute}, {"sort", key.is_sort_key}});
    json out{{"number", descriptor.number},
             {"table", descriptor.table.str()},
             {"label", descriptor.label},
             {"view", static_cast<int>(descriptor.view)},
             {"created_at_ms", descriptor.created_at.time_since_epoch().count()},
             {"keys", std::move(keys)}};
    if (descriptor.ended_at) out["ended_at_ms"] = descriptor.ended_at->time_since_epoch().count();
    return out.dump();
}

Result<StreamDescriptor> decode_descriptor(std::string_view bytes) {
    const json stored = json::parse(bytes, nullptr, false);
    try {
        StreamDescriptor out;
        out.number = stored.at("number").get<std::uint64_t>();
        out.table = TableName(stored.at("table").get<std::string>());
        out.label = stored.at("label").get<std::string>();
        out.view = static_cast<StreamViewType>(stored.at("view").get<int>());
        out.created_at = WallTime(std::chrono::milliseconds(stored.at("created_at_ms").get<std::int64_t>()));
        if (const auto found = stored.find("ended_at_ms"); found != stored.end())
            out.ended_at = WallTime(std::chrono::milliseconds(found->get<std::int64_t>()));
        for (const auto& key : stored.at("keys")) out.keys.push_back({key.at("name").get<std::string>(), key.at("sort").get<bool>()});
        return out;
    } catch (const json::exception&) {
        return corrupt("stream descriptor");
    }
}

std::string descriptor_key(std::uint64_t stream) {
    return std::move(part("desc").number(stream)).str();
}
kv::Range descriptors_range() {
    return part("desc").prefix_range();
}
std::string next_sequence_key(std::uint64_t stream) {
    return std::move(part("next").number(stream)).str();
}
std::string record_key(std::uint64_t stream, std::uint64_t sequence) {
    return std::move(part("rec").number(stream).number(sequence)).str();
}
kv::Range records_range(std::uint64_t stream) {
    return part("rec").number(stream).prefix_range();
}
std::uint64_t sequence_of(std::string_view record_key) {
    if (record_key.size() < number_bytes) return 0;
    return RecordReader(record_key.substr(record_key.size() - number_bytes)).number().value_or(0);
}

Result<std::uint64_t> parse_sequence(const std::optional<std::string>& stored) {
    if (!stored) return std::uint64_t{1};
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(stored->data(), stored->data() + stored->size(), value);
    if (error != std::errc() || end != stored->data() + stored->size()) return corrupt("stream's sequence number");
    return value;
}

std::string sequence_text(std::uint64_t sequence) {
    const std::string digits = std::to_string(sequence);
    return "1" + std::string(sequence_digits - 1 - std::min(digits.size(), sequence_digits - 1), '0') + digits;
}

Result<void> begin_stream(kv::Transaction& transaction, TableDefinition& table, WallTime now) {
    auto number = next_number(transaction);
    if (!number) return number.error();
    table.stream_number = *number;
    table.stream_label = millisecond_text(now);
    StreamDescriptor descriptor;
    descriptor.number = *number;
    descriptor.table = table.name;
    descriptor.label = table.stream_label;
    descriptor.view = table.stream.view;
    descriptor.created_at = now;
    descriptor.keys.push_back({table.key_schema.partition_key.name, false});
    if (table.key_schema.sort_key) descriptor.keys.push_back({table.key_schema.sort_key->name, true});
    transaction.put(descriptor_key(*number), encode_descriptor(descriptor));
    return {};
}

Result<void> end_stream(kv::Transaction& transaction, const TableDefinition& table, WallTime now) {
    if (!table.stream.enabled) return {};
    auto stored = transaction.get(descriptor_key(table.stream_number));
    if (!stored) return stored.error();
    if (!*stored) return {};
    auto descriptor = decode_descriptor(**stored);
    if (!descriptor) return descriptor.error();
    descriptor->ended_at = now;
    transaction.put(descriptor_key(table.stream_number), encode_descriptor(*descriptor));
    return {};
}

Result<void> append_record(kv::Transaction& transaction, const TableDefinition& table, const StreamChange& change) {
    const std::string next_key = next_sequence_key(table.stream_number);
    auto stored = transaction.get(next_key);
    if (!stored) return stored.error();
    auto sequence = parse_sequence(*stored);
    if (!sequence) return sequence.error();

    const StreamViewType view = table.stream.view;
    const bool both = view == StreamViewType::new_and_old_images;
    const bool with_old = change.old_item != nullptr && (both || view == StreamViewType::old_image);
    const bool with_new = change.new_item != nullptr && (both || view == StreamViewType::new_image);
    const StreamEvent event = change.old_item == nullptr   ? StreamEvent::insert
                              : change.new_item == nullptr ? StreamEvent::remove
                                                           : StreamEvent::modify;
    const Item keys = key_of(table.key_schema, change.new_item != nullptr ? *change.new_item : *change.old_item);
    const std::size_t key_bytes = item_size_bytes(keys);
    std::string record;
    record.push_back(static_cast<char>(event));
    record.push_back(static_cast<char>((with_old ? has_old : 0) | (with_new ? has_new : 0) | (change.by_time_to_live ? by_ttl : 0)));
    put_number(record, static_cast<std::uint64_t>(change.now.time_since_epoch().count()));
    put_number(record, key_bytes + (with_old ? change.old_bytes : 0) + (with_new ? change.new_bytes : 0));
    put_item(record, keys, key_bytes);
    if (with_old) put_item(record, *change.old_item, change.old_bytes);
    if (with_new) put_item(record, *change.new_item, change.new_bytes);
    transaction.put(record_key(table.stream_number, *sequence), record);
    transaction.put(next_key, std::to_string(*sequence + 1));
    return {};
}

std::optional<WallTime> record_time(std::string_view bytes) {
    if (bytes.size() < 2) return std::nullopt;
    const auto ms = RecordReader(bytes.substr(2)).number();
    if (!ms) return std::nullopt;
    return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(*ms)));
}

Result<StreamRecord> decode_record(std::string_view bytes, StreamViewType view, std::uint64_t stream, std::uint64_t sequence) {
    RecordReader reader(bytes);
    const auto event = reader.byte(), flags = reader.byte();
    const auto ms = reader.number(), size = reader.number();
    if (!event || *event > static_cast<unsigned char>(StreamEvent::remove) || !flags || !ms || !size) return corrupt("stream record");
    StreamRecord out;
    out.event = static_cast<StreamEvent>(*event);
    out.created_at = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(*ms)));
    out.size_bytes = static_cast<std::int64_t>(*size);
    out.view = view;
    out.by_time_to_live = (*flags & by_ttl) != 0;
    out.sequence_number = sequence_text(sequence);
    out.event_id = hex_encode(sha256(std::to_string(stream) + "/" + std::to_string(sequence) + "/" + std::to_string(*ms))).substr(0, 32);
    auto keys = reader.item();
    if (!keys) return corrupt("stream record");
    out.keys = std::move(*keys);
    if ((*flags & has_old) != 0) {
        out.old_image = reader.item();
        if (!out.old_image) return corrupt("stream record");
    }
    if ((*flags & has_new) != 0) {
        out.new_image = reader.item();
        if (!out.new_image) return corrupt("stream record");
    }
    return out;
}

StreamWatch StreamWatchers::watch(std::string stream_arn, std::function<void()> on_records) {
    const std::scoped_lock lock(mutex_);
    const std::uint64_t id = next_++;
    watchers_[stream_arn].emplace(id, std::move(on_records));
    const auto end = [self = shared_from_this(), arn = std::move(stream_arn), id](void*) {
        const std::scoped_lock inner(self->mutex_);
        const auto found = self->watchers_.find(arn);
        if (found == self->watchers_.end()) return;
        found->second.erase(id);
        if (found->second.empty()) self->watchers_.erase(found);
    };
    return StreamWatch(this, end);
}

bool StreamWatchers::empty() const {
    const std::scoped_lock lock(mutex_);
    return watchers_.empty();
}

void StreamWatchers::announce(const std::string& stream_arn) {
    // Under the lock, so that after the end of a watch its callback is not running.
    const std::scoped_lock lock(mutex_);
    const auto found = watchers_.find(stream_arn);
    if (found == watchers_.end()) return;
    for (const auto& [id, on_records] : found->second) on_records();
}

}  // namespace fogbank::store::table
