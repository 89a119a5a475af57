#include "shadow/shadow_service.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>

#include "shadow/detail/lane.h"

namespace fogbank::shadow {
namespace {

namespace asio = boost::asio;
namespace kv = store::kv;
using detail::Lane;
using detail::Request;

constexpr std::array request_filters{
    "$aws/things/+/shadow/get",        "$aws/things/+/shadow/update",        "$aws/things/+/shadow/delete",
    "$aws/things/+/shadow/name/+/get", "$aws/things/+/shadow/name/+/update", "$aws/things/+/shadow/name/+/delete",
};

/// Calls `completion` on its executor, which has work until then.
template <class Completion>
UniqueFunction<void(Answer)> post_home(Completion completion) {
    auto executor = asio::get_associated_executor(completion);
    auto work = asio::prefer(executor, asio::execution::outstanding_work.tracked);
    return [executor = std::move(executor), work = std::move(work), completion = std::move(completion)](Answer answer) mutable {
        asio::post(executor, [work = std::move(work), completion = std::move(completion), answer = std::move(answer)]() mutable {
            completion(std::move(answer));
        });
    };
}

class Service;

/// The service's ear in the topic index. Outlives the service by the publishes that are under way when it stops.
class Ear final : public Subscriber {
  public:
    explicit Ear(Service& service) : service_(&service) {}
    void deliver(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context) override;
    void close() { service_ = nullptr; }

  private:
    std::atomic<Service*> service_;
};

class Service final : public ShadowService {
  public:
    explicit Service(Dependencies dependencies)
        : dependencies_(std::move(dependencies)),
          notices_(dependencies_.publisher, dependencies_.clock, dependencies_.metrics, dependencies_.activity, dependencies_.audience),
          surroundings_{dependencies_.engine, dependencies_.clock, notices_, Limits::of(dependencies_.quotas)},
          ear_(std::make_shared<Ear>(*this)) {
        for (std::size_t i = 0; i < dependencies_.shards.size(); ++i) {
            lanes_.push_back(std::make_unique<Lane>(dependencies_.shards[i], surroundings_));
        }
        SubscriptionOptions options;
        options.qos = Qos::at_least_once;
        for (const char* filter : request_filters) dependencies_.topics.subscribe(filter, ear_, options);
    }
    ~Service() override { stop(); }

    asio::awaitable<Answer> request(ShadowName name, Operation operation, std::string payload,
                                    std::shared_ptr<const MessageOrigin> origin) override;
    asio::awaitable<Result<NamedShadows>> list_named(ThingName thing, std::optional<std::string> start_after,
                                                     std::size_t items_max) override;
    asio::awaitable<Result<std::string>> get_shadow(ThingName thing, std::string shadow_name) override;
    asio::awaitable<Result<std::string>> update_shadow(ThingName thing, std::string shadow_name, std::string document) override;
    void stop() override;

    void hear(const MessagePtr& message, PublishContext& context);

  private:
    void start(Request request, std::string_view payload);
    void send_home(Request request);
    asio::awaitable<Result<std::string>> request_inside(ShadowName name, Operation operation, std::string payload);

    Dependencies dependencies_;
    detail::Notices notices_;
    detail::Surroundings surroundings_;
    std::vector<std::unique_ptr<Lane>> lanes_;
    std::shared_ptr<Ear> ear_;
    std::atomic<bool> stopped_{false};
};

void Ear::deliver(const MessagePtr& message, const SubscriptionOptions&, PublishContext& context) {
    if (Service* service = service_.load()) service->hear(message, context);
}

void Service::hear(const MessagePtr& message, PublishContext& context) {
    // AWS: a last will reaches subscribers and rules of the topic, the service ignores it (reference "shadow", section 2).
    if (message->origin().last_will) return;
    auto topic = parse_request_topic(message->topic_name());
    if (!topic) return;
    Request request;
    request.name = std::move(topic->name);
    request.operation = topic->operation;
    request.origin = message->shared_origin();
    request.hold = context.hold();
    start(std::move(request), message->payload());
}

/// Everything that can be judged without the shadow, on the caller's thread.
void Service::start(Request request, std::string_view payload) {
    request.bytes = payload.size();
    if (stopped_) return notices_.reject(std::move(request), Error(Errc::unavailable, "Service unavailable"));
    if (auto valid = validate(request.name); !valid) {
        request.token = client_token_of(payload, surroundings_.limits);
        return notices_.reject(std::move(request), valid.error());
    }
    if (request.operation == Operation::update) {
        ParsedUpdate parsed = parse_update(payload, surroundings_.limits);
        request.token = std::move(parsed.client_token);
        if (!parsed.update) return notices_.reject(std::move(request), parsed.update.error());
        request.update = std::move(*parsed.update);
    } else {
        request.token = client_token_of(payload, surroundings_.limits);
    }
    send_home(std::move(request));
}

void Service::send_home(Request request) {
    const std::size_t before = surroundings_.requests_under_way.fetch_add(1, std::memory_order_relaxed);
    const std::size_t bytes_before = surroundings_.bytes_under_way.fetch_add(request.bytes, std::memory_order_relaxed);
    if (before >= detail::requests_under_way_max || bytes_before >= detail::bytes_under_way_max) {
        surroundings_.requests_under_way.fetch_sub(1, std::memory_order_relaxed);
        surroundings_.bytes_under_way.fetch_sub(request.bytes, std::memory_order_relaxed);
        return notices_.reject(std::move(request), Error(Errc::too_many_requests, "Too many requests"));
    }
    // All shadows of a thing on one shard, where the connections' requests for it are counted.
    Lane& lane = *lanes_[std::hash<ThingName>{}(request.name.thing) % lanes_.size()];
    if (Shard::current() == &lane.shard()) {
        lane.take(std::move(request));
    } else {
        lane.shard().post([&lane, request = std::move(request)]() mutable { lane.take(std::move(request)); });
    }
}

asio::awaitable<Answer> Service::request(ShadowName name, Operation operation, std::string payload,
                                         std::shared_ptr<const MessageOrigin> origin) {
    const auto initiate = [this](auto&& completion, Request request, std::string body) {
        request.done = post_home(std::forward<decltype(completion)>(completion));
        start(std::move(request), body);
    };
    Request request;
    request.name = std::move(name);
    request.operation = operation;
    request.origin = std::move(origin);
    return asio::async_initiate<const asio::use_awaitable_t<>, void(Answer)>(initiate, asio::use_awaitable, std::move(request),
                                                                             std::move(payload));
}

asio::awaitable<Result<std::string>> Service::request_inside(ShadowName name, Operation operation, std::string payload) {
    auto origin = std::make_shared<const MessageOrigin>();
    Answer answer = co_await request(std::move(name), operation, std::move(payload), std::move(origin));
    co_return std::move(answer.document);
}

asio::awaitable<Result<std::string>> Service::get_shadow(ThingName thing, std::string shadow_name) {
    ShadowName name{std::move(thing), std::move(shadow_name)};
    return request_inside(std::move(name), Operation::get, std::string());
}

asio::awaitable<Result<std::string>> Service::update_shadow(ThingName thing, std::string shadow_name, std::string document) {
    ShadowName name{std::move(thing), std::move(shadow_name)};
    return request_inside(std::move(name), Operation::update, std::move(document));
}

asio::awaitable<Result<NamedShadows>> Service::list_named(ThingName thing, std::optional<std::string> start_after, std::size_t items_max) {
    ShadowName name{thing, std::string()};
    if (auto valid = validate(name); !valid) co_return valid.error();
    NamedShadows out;
    kv::ScanOptions options;
    options.range = thing_range(thing);
    name.shadow = start_after.value_or("");
    options.range.begin = record_key(name) + '\0';  // the classic shadow is not listed
    options.items_max = items_max + 1;
    while (true) {
        kv::ScanOptions here = options;
        const auto page = co_await dependencies_.engine.scan(std::move(here));
        if (!page) co_return Error(Errc::unavailable, page.error().message);
        for (const kv::KeyValue& item : page->items) {
            const auto found = name_in_key(item.key);
            const auto record = decode_record(item.value);
            if (!found || (record && !record->document)) continue;
            if (out.names.size() == items_max) {
                out.more = true;
                co_return out;
            }
            out.names.push_back(found->shadow);
        }
        if (!page->more || page->items.empty()) co_return out;
        options.range.begin = page->items.back().key + '\0';
    }
}

void Service::stop() {
    if (stopped_.exchange(true)) return;
    for (const char* filter : request_filters) dependencies_.topics.unsubscribe(filter, *ear_);
    ear_->close();
}

}  // namespace

std::unique_ptr<ShadowService> make_shadow_service(ShadowService::Dependencies dependencies) {
    return std::make_unique<Service>(std::move(dependencies));
}

}  // namespace fogbank::shadow
