// What happens in the background: connectivity is written down, members of dynamic groups follow changes.

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

#include "common/json.h"
#include "common/logging.h"
#include "common/topic.h"
#include "registry/detail/fleet_index_part.h"
#include "registry/detail/keys.h"
#include "registry/detail/record_json.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {

using namespace record_json;

namespace {

namespace asio = boost::asio;

/// Beyond this many things that wait to be judged, all are judged instead.
constexpr std::size_t dirty_things_max = 10'000;
constexpr std::int64_t chunk = 250;
constexpr std::chrono::seconds stop_deadline{5};

/// Hands one kind of message to the index.
class Listener final : public Subscriber {
  public:
    using Hear = UniqueFunction<void(const Message&)>;
    explicit Listener(Hear hear) : hear_(std::move(hear)) {}
    void deliver(const MessagePtr& message, const SubscriptionOptions&, PublishContext&) override { hear_(*message); }

  private:
    Hear hear_;
};

/// The connection's state as it is kept: {connected, timestamp, versionNumber, disconnectReason}.
json connectivity_record(const json& event, bool connected) {
    json out{{"connected", connected}, {"timestamp", event.value("timestamp", std::int64_t{0})}};
    if (const auto version = event.find("versionNumber"); version != event.end() && version->is_number_integer())
        out["versionNumber"] = *version;
    if (const std::string reason = json_string(event, "disconnectReason"); !connected && !reason.empty()) out["disconnectReason"] = reason;
    return out;
}

/// Events may overtake each other: an older one does not replace a newer one.
bool is_newer(const json& fresh, const std::string& stored) {
    const json old = json::parse(stored, nullptr, false);
    if (!old.is_object()) return true;
    const std::int64_t before = old.value("timestamp", std::int64_t{0});
    const std::int64_t now = fresh.value("timestamp", std::int64_t{0});
    if (now != before) return now > before;
    return fresh.value("versionNumber", std::int64_t{0}) >= old.value("versionNumber", std::int64_t{0});
}

}  // namespace

void FleetIndexPart::start(ShardPool& shards, TopicIndex& topics, Shadows* shadows) {
    shadows_ = shadows;
    {
        const std::lock_guard lock(subscriptions_mutex_);
        topics_ = &topics;
    }
    {
        const std::lock_guard lock(mutex_);
        shards_ = &shards;
        stopping_ = false;
        dirty_groups_ = everything_ = true;  // what changed while nobody followed
    }
    follow_presence();
    wake();
}

void FleetIndexPart::listen(Subscriptions& to, const char* topic_filter, UniqueFunction<void(const Message&)> hear) {
    to.emplace_back(topic_filter, std::make_shared<Listener>(std::move(hear)));
    topics_->subscribe(topic_filter, to.back().second, SubscriptionOptions());
}

void FleetIndexPart::follow_presence() {
    const std::lock_guard lock(subscriptions_mutex_);
    // Read under the lock: of two changes of the configuration the newer one counts.
    const bool wanted = connectivity_on_;
    if (!wanted) leave(presence_);
    if (!wanted || topics_ == nullptr || !presence_.empty()) return;
    listen(presence_, "$aws/events/presence/connected/+", [this](const Message& message) { presence(message.payload(), true); });
    listen(presence_, "$aws/events/presence/disconnected/+", [this](const Message& message) { presence(message.payload(), false); });
}

bool FleetIndexPart::follow_shadows(bool wanted) {
    const std::lock_guard lock(subscriptions_mutex_);
    if (!wanted) leave(of_shadows_);
    if (!wanted || topics_ == nullptr || !of_shadows_.empty()) return false;
    for (const char* filter : {"$aws/things/+/shadow/update/documents", "$aws/things/+/shadow/name/+/update/documents",
                               "$aws/things/+/shadow/delete/accepted", "$aws/things/+/shadow/name/+/delete/accepted"}) {
        listen(of_shadows_, filter, [this](const Message& message) {
            if (const auto thing = topic_level(message.topic_name(), 3)) thing_changed(std::string(*thing));
        });
    }
    return true;
}

void FleetIndexPart::leave(Subscriptions& subscriptions) {
    for (const auto& [filter, subscriber] : subscriptions) topics_->unsubscribe(filter, *subscriber);
    subscriptions.clear();
}

Awaitable<void> FleetIndexPart::settle() {
    ShardPool* shards = nullptr;
    {
        const std::lock_guard lock(mutex_);
        shards = shards_;
    }
    // Who asked, before, whether anybody listens, did so in a turn of a shard, and queued its write in the same turn.
    const std::size_t count = shards == nullptr ? 0 : shards->size();
    for (std::size_t i = 0; i < count; ++i) co_await asio::post((*shards)[i].io(), asio::use_awaitable);
    store::kv::TransactionBody nothing = [](Transaction&) -> Result<void> { return {}; };
    const Result<void> done = co_await core_.deps().engine.transact(std::move(nothing));
    if (!done) co_return store_error(done.error());
    co_return Result<void>();
}

void FleetIndexPart::stop() {
    {
        const std::lock_guard lock(subscriptions_mutex_);
        leave(presence_);
        leave(of_shadows_);
        topics_ = nullptr;
    }
    std::unique_lock lock(mutex_);
    stopping_ = true;
    idle_.wait_for(lock, stop_deadline, [this] { return !running_; });
    shards_ = nullptr;
    shadows_ = nullptr;
}

void FleetIndexPart::changed(const Affected& affected) {
    {
        const std::lock_guard lock(mutex_);
        if (!affected.groups.empty()) dirty_groups_ = true;
        if (has_dynamic_groups_ && !affected.by_index) {
            for (const ThingName& name : affected.things) dirty_things_.insert(name.str());
            if (dirty_things_.size() > dirty_things_max) {
                dirty_things_.clear();
                everything_ = true;
            }
        }
        if (!dirty_groups_ && dirty_things_.empty() && !everything_) return;
    }
    wake();
}

void FleetIndexPart::thing_changed(const std::string& thing) {
    Affected affected;
    affected.things.emplace_back(thing);
    changed(affected);
}

void FleetIndexPart::presence(std::string_view payload, bool connected) {
    if (!connectivity_on_) return;
    const auto event = parse_json(payload);
    if (!event || !event->is_object()) return;
    std::string thing = json_string(*event, "thingName");
    if (thing.empty()) thing = json_string(*event, "clientId");
    const ThingName name(std::move(thing));
    if (!Validation().thing_name(name).result()) return;
    store::kv::TransactionBody body = [name, record = connectivity_record(*event, connected)](Transaction& tx) -> Result<void> {
        const auto registered = tx.get(keys::thing(name));
        if (!registered) return registered.error();
        if (!*registered) return {};
        const std::string key = keys::indexed("connectivity", name, "");
        const auto stored = tx.get(key);
        if (!stored) return stored.error();
        if (*stored && !is_newer(record, **stored)) return {};
        tx.put(key, dump(record));
        return {};
    };
    core_.deps().engine.transact(std::move(body), [this, name = name.str()](const Result<void>& done) {
        if (done) thing_changed(name);
        if (!done) logger("registry").warn("connectivity not written thing={} error={}", log_value(name), log_value(done.error().message));
    });
}

void FleetIndexPart::wake() {
    const std::lock_guard lock(mutex_);
    if (running_ || stopping_ || shards_ == nullptr) return;
    running_ = true;
    Shard& shard = (*shards_)[0];
    shard.post([this, &shard] { asio::co_spawn(shard.io(), work(), asio::detached); });
}

asio::awaitable<void> FleetIndexPart::work() {
    for (;;) {
        std::set<std::string> things;
        bool reload = false;
        bool everything = false;
        {
            const std::lock_guard lock(mutex_);
            const bool nothing = dirty_things_.empty() && !dirty_groups_ && !everything_;
            if (nothing || stopping_) {
                running_ = false;
                idle_.notify_all();
                co_return;
            }
            things.swap(dirty_things_);
            reload = std::exchange(dirty_groups_, false);
            everything = std::exchange(everything_, false);
        }
        const Result<void> done = co_await work_once(std::move(things), reload, everything);
        if (!done) logger("registry").warn("dynamic thing groups not brought up to date error={}", log_value(done.error().message));
    }
}

Awaitable<std::vector<FleetIndexPart::DynamicGroup>> FleetIndexPart::load_dynamic_groups() {
    const Range range = keys::dynamic_groups();
    const auto names = co_await core_.scan_all(range);
    if (!names) co_return names.error();
    std::vector<DynamicGroup> out;
    for (const KeyValue& item : *names) {
        const auto group = co_await groups_.describe_thing_group(keys::last_part(item.key, range));
        if (!group || !group->dynamic) continue;  // deleted since the scan
        auto query = IndexQuery::parse(group->dynamic->query, Quotas(QuotaProfile::relaxed));
        if (!query) continue;  // it was checked when it was stored; limits may differ since
        out.push_back({group->name, group->version, group->building, std::move(*query)});
    }
    co_return out;
}

/// Makes the thing a member of those that find it, and of no other.
Awaitable<void> FleetIndexPart::judge(Thing thing, std::vector<DynamicGroup> groups) {
    const auto configuration = co_await read_indexing(core_);
    if (!configuration) co_return configuration.error();
    IndexNeeds needs;
    for (const DynamicGroup& group : groups) {
        const IndexNeeds one = IndexNeeds::of(group.query, "", *configuration);
        needs.groups = needs.groups || one.groups;
        needs.shadows = needs.shadows || one.shadows;
        needs.connectivity = needs.connectivity || one.connectivity;
    }
    const ThingName name = thing.name;
    const auto loaded = co_await load_thing(std::move(thing), needs, *configuration);
    if (!loaded) co_return loaded.error();
    const IndexDocument document = document_of(*loaded);
    for (const DynamicGroup& group : groups) {
        const bool member = configuration->things() && group.query.matches(document);
        const auto present = co_await core_.read(keys::group_thing(group.name, name));
        if (!present) co_return present.error();
        if (present->has_value() == member) continue;
        const Result<void> done = co_await groups_.set_dynamic_membership(group.name, name, member);
        if (!done) co_return done.error();
    }
    co_return Result<void>();
}

Awaitable<void> FleetIndexPart::judge_all(std::vector<DynamicGroup> groups) {
    PageRequest page;
    page.items_max = chunk;
    const Range range = keys::things();
    do {
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) co_return Result<void>();
        }
        auto found = co_await core_.scan_page(range, page);
        if (!found) co_return found.error();
        for (const KeyValue& item : found->items) {
            auto thing = decode_thing(ThingName(keys::last_part(item.key, range)), item.value, core_.deps().arns);
            if (!thing) co_return thing.error();
            const Result<void> done = co_await judge(std::move(*thing), groups);
            if (!done) co_return done.error();
        }
        page.marker = std::move(found->next);
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    } while (page.marker);
    for (const DynamicGroup& group : groups) {
        if (!group.building) continue;
        const Result<void> done = co_await groups_.mark_built(group.name, group.version);
        if (!done) co_return done.error();
    }
    co_return Result<void>();
}

Awaitable<void> FleetIndexPart::work_once(std::set<std::string> things, bool reload, bool everything) {
    auto groups = co_await load_dynamic_groups();
    if (!groups) co_return groups.error();
    {
        const std::lock_guard lock(mutex_);
        has_dynamic_groups_ = !groups->empty();
    }
    if (follow_shadows(!groups->empty())) {
        const Result<void> settled = co_await settle();
        if (!settled) co_return settled.error();
    }
    if (groups->empty()) co_return Result<void>();
    if (everything) co_return co_await judge_all(std::move(*groups));
    if (reload) {
        std::vector<DynamicGroup> fresh;
        for (const DynamicGroup& one : *groups) {
            if (one.building) fresh.push_back(one);
        }
        if (!fresh.empty()) {
            const Result<void> done = co_await judge_all(std::move(fresh));
            if (!done) co_return done.error();
        }
    }
    for (const std::string& name : things) {
        std::vector<ThingName> one{ThingName(name)};
        auto found = co_await core_.read_things(std::move(one));
        if (!found) co_return found.error();
        if (found->empty()) continue;  // deleted: its memberships went with it
        const Result<void> done = co_await judge(std::move(found->front()), *groups);
        if (!done) co_return done.error();
    }
    co_return Result<void>();
}

}  // namespace fogbank::registry
