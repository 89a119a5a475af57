// Opening, reading, and the one way in which things change.

#include "registry/registry.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/activity.h"
#include "common/encoding.h"
#include "common/message.h"
#include "common/publisher.h"
#include "registry/detail/impl.h"
#include "registry/detail/keys.h"
#include "registry/detail/search_terms.h"
#include "registry/detail/validation.h"
#include "store/kv/errc.h"

namespace fogbank::registry {
namespace {

constexpr std::string_view format_version = "1";

/// Where a page begins: just after the marker's key in the list's direction. Markers are the base64 of what follows the range's prefix.
Result<store::kv::ScanOptions> page_start(Range range, const PageRequest& page) {
    store::kv::ScanOptions options;
    const std::string prefix = range.begin;
    options.range = std::move(range);
    options.reverse = !page.ascending;
    options.items_max = static_cast<std::size_t>(page.items_max) + 1;  // one more tells whether there is a next page
    if (!page.marker) return options;
    const auto rest = base64_decode(*page.marker);
    if (!rest || rest->empty()) return Error(Errc::invalid_request, "Invalid marker: " + *page.marker);
    const std::string last = prefix + *rest;
    if (page.ascending) {
        options.range.begin = last + '\0';
    } else {
        options.range.end = last;
    }
    return options;
}

}  // namespace

RegistryImpl::RegistryImpl(Dependencies dependencies) : Core(std::move(dependencies)) {}

RegistryImpl::~RegistryImpl() {
    pool_.join();  // what is being made is finished; its result finds its own way home
}

void RegistryImpl::tell_revoked(const CertificateId& id, const std::string& reason) {
    if (RevocationObserver* observer = revocations_; observer != nullptr) observer->principal_revoked(id.str(), reason);
    if (deps_.activity == nullptr) return;
    Activity activity;
    activity.at = deps_.clock.now();
    activity.kind = "certificate_changed";
    activity.principal_id = id.str();
    activity.detail = reason;
    deps_.activity->record(std::move(activity));
}

Error store_error(Error error) {
    if (error.code.category() != store::kv::category()) return error;
    return {Errc::store_unavailable, "the registry's store: " + error.message};
}

Error not_found(std::string_view what, std::string_view name) {
    return {Errc::resource_not_found, std::string(what) + " " + std::string(name) + " not found"};
}

Awaitable<void> RegistryImpl::refresh(Affected affected) {
    for (const CertificateId& id : affected.certificates) {
        certificates_.invalidate(id);
        if (auto cell = principals_.find(id.str())) static_cast<void>(co_await load_principal(std::move(cell), id));
    }
    for (const std::string& name : affected.groups) {
        if (auto cell = live_groups_.find(name)) static_cast<void>(co_await load_group(std::move(cell), name));
    }
    for (const ThingName& name : affected.things) {
        thing_names_.invalidate(name);
        if (auto cell = live_things_.find(name.str())) static_cast<void>(co_await load_thing(std::move(cell), name));
    }
    for (const PolicyName& name : affected.policies) {
        if (auto cell = policies_.find(name.str())) static_cast<void>(co_await load_policy(std::move(cell), name));
    }
    index_.changed(affected);
    if (!affected.events.empty()) publish(std::move(affected.events));
    co_return Result<void>();
}

void RegistryImpl::publish(std::vector<RegistryEvent> events) {
    Publisher* publisher = publisher_;
    if (publisher == nullptr) return;
    static const auto origin = std::make_shared<const MessageOrigin>();
    for (const RegistryEvent& event : events) {
        Message::Options options;
        options.topic_name = event.topic_name;
        options.payload = event.payload;
        options.qos = Qos::at_least_once;
        options.origin = origin;
        options.received_at = deps_.clock.now();
        publisher->publish(Message::create(std::move(options)), [](const Result<void>&) {});
    }
}

Awaitable<void> RegistryImpl::load_settings() {
    const Result<void> events = co_await event_configurations_.load();
    if (!events) co_return events.error();
    const Result<void> indexing = co_await index_.load();
    if (!indexing) co_return indexing.error();
    co_return co_await build_search_terms(*this);
}

Awaitable<void> Core::change_erased(ChangeBody<void> body) {
    // Its own thread of execution, deaf to the caller's cancel: a change that is committed must reach live connections.
    const auto executor = co_await boost::asio::this_coro::executor;
    auto deaf = boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot(), boost::asio::use_awaitable);
    auto work = change_now(std::move(body));
    co_return co_await boost::asio::co_spawn(executor, std::move(work), std::move(deaf));
}

Awaitable<void> Core::change_now(ChangeBody<void> body) {
    const auto affected = std::make_shared<Affected>();
    store::kv::TransactionBody transaction = [affected, body = std::move(body)](Transaction& tx) mutable -> Result<void> {
        *affected = Affected();
        return body(tx, *affected);
    };
    const Result<void> committed = co_await deps_.engine.transact(std::move(transaction));
    if (!committed) co_return store_error(committed.error());
    static_cast<void>(co_await refresh(std::move(*affected)));
    co_return Result<void>();
}

Awaitable<std::optional<std::string>> Core::read(std::string key) {
    auto value = co_await deps_.engine.get(std::move(key));
    if (!value) co_return store_error(value.error());
    co_return std::move(*value);
}

Awaitable<std::vector<std::optional<std::string>>> Core::read_all(std::vector<std::string> keys) {
    if (keys.empty()) co_return std::vector<std::optional<std::string>>();
    auto values = co_await deps_.engine.multi_get(std::move(keys));
    if (!values) co_return store_error(values.error());
    co_return std::move(*values);
}

Awaitable<std::vector<KeyValue>> scan_all(store::kv::Engine& engine, Range range) {
    std::vector<KeyValue> out;
    store::kv::ScanOptions options;
    options.range = std::move(range);
    for (;;) {
        auto page = co_await engine.scan(options);
        if (!page) co_return store_error(page.error());
        for (KeyValue& item : page->items) out.push_back(std::move(item));
        if (!page->more || out.empty()) co_return out;
        options.range.begin = out.back().key + '\0';
    }
}

Awaitable<std::vector<KeyValue>> Core::scan_all(Range range) {
    return registry::scan_all(deps_.engine, std::move(range));
}

Awaitable<Core::KeyPage> Core::scan_page(Range range, PageRequest page) {
    const std::size_t prefix_bytes = range.begin.size();
    auto options = page_start(std::move(range), page);
    if (!options) co_return options.error();
    auto found = co_await deps_.engine.scan(*options);
    if (!found) co_return store_error(found.error());
    KeyPage out;
    out.items = std::move(found->items);
    const bool full = out.items.size() > static_cast<std::size_t>(page.items_max);
    if (full) out.items.resize(static_cast<std::size_t>(page.items_max));
    if ((full || found->more) && !out.items.empty()) out.next = base64_encode(std::string_view(out.items.back().key).substr(prefix_bytes));
    co_return out;
}

Result<std::vector<KeyValue>> scan_in(Transaction& tx, const Range& range) {
    std::vector<KeyValue> out;
    store::kv::ScanOptions options;
    options.range = range;
    for (;;) {
        auto page = tx.scan(options);
        if (!page) return page.error();
        for (KeyValue& item : page->items) out.push_back(std::move(item));
        if (!page->more || out.empty()) return out;
        options.range.begin = out.back().key + '\0';
    }
}

Result<bool> empty_in(Transaction& tx, const Range& range) {
    store::kv::ScanOptions options;
    options.range = range;
    options.items_max = 1;
    auto page = tx.scan(options);
    if (!page) return page.error();
    return page->items.empty();
}

Result<CertificateId> Core::certificate_of(std::string_view arn) const {
    const auto parsed = Arn::parse(arn);
    // Bounded before it is put into a message.
    constexpr std::size_t arn_bytes_max = 2048;
    if (!parsed || arn.size() > arn_bytes_max || parsed->service != "iot") {
        return Error(Errc::invalid_request,
                     "Invalid principal or target: " + std::string(is_valid_utf8(arn) ? arn.substr(0, 200) : "(not UTF-8)"));
    }
    constexpr std::string_view prefix = "cert/";
    if (!parsed->resource.starts_with(prefix)) return not_found("Principal or target", arn);
    CertificateId id(parsed->resource.substr(prefix.size()));
    if (auto valid = Validation().certificate_id(id).result(); !valid) return valid.error();
    if (deps_.arns.certificate(id) != arn) return not_found("Certificate", arn);  // of another account or region
    return id;
}

Awaitable<void> RegistryImpl::check_format() {
    store::kv::TransactionBody body = [](Transaction& tx) -> Result<void> {
        auto stored = tx.get(keys::format());
        if (!stored) return stored.error();
        if (!*stored) tx.put(keys::format(), format_version);
        if (*stored && **stored != format_version) {
            return Error(Errc::store_unavailable, "the registry was written by another version, format `" + **stored + "`");
        }
        return {};
    };
    const Result<void> done = co_await deps_.engine.transact(std::move(body));
    if (!done) co_return store_error(done.error());
    co_return Result<void>();
}

Awaitable<std::unique_ptr<Registry>> open_registry(Registry::Dependencies dependencies) {
    auto out = std::make_unique<RegistryImpl>(std::move(dependencies));
    const Result<void> checked = co_await out->check_format();
    if (!checked) co_return checked.error();
    const Result<void> loaded = co_await out->load_settings();
    if (!loaded) co_return loaded.error();
    co_return std::unique_ptr<Registry>(std::move(out));
}

}  // namespace fogbank::registry
