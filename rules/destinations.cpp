#include "rules/destinations.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "common/json.h"
#include "rules/errc.h"
#include "store/kv/key.h"

namespace fogbank::rules {
namespace {

namespace asio = boost::asio;
namespace kv = store::kv;
using nlohmann::json;

constexpr std::string_view room = "rule-destination";
constexpr std::array<std::string_view, 4> status_names{"IN_PROGRESS", "ENABLED", "DISABLED", "ERROR"};
/// Model: Url, ConfirmationToken.
constexpr std::size_t url_bytes_max = 2000, token_letters = 64;
constexpr std::string_view token_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

Error invalid(std::string text) {
    return {Errc::invalid_request, std::move(text)};
}

std::string key_of(const Destination& destination) {
    return kv::KeyBuilder(room).text(destination.id).str();
}

std::string record_of(const Destination& destination) {
    const json record{{"id", destination.id},
                      {"confirmationUrl", destination.confirmation_url},
                      {"vpc", destination.vpc_json},
                      {"status", status_text(destination.status)},
                      {"statusReason", destination.status_reason},
                      {"token", destination.token},
                      {"createdAt", destination.created_at.time_since_epoch().count()},
                      {"updatedAt", destination.updated_at.time_since_epoch().count()}};
    return record.dump();
}

std::optional<Destination> destination_from(std::string_view record) {
    const json stored = json::parse(record, nullptr, false);
    const auto status = parse_status(json_string(stored, "status"));
    if (!stored.is_object() || !status) return std::nullopt;
    const auto time = [&](const char* name) {
        const auto found = stored.find(name);
        return WallTime(std::chrono::milliseconds(found != stored.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0));
    };
    Destination destination;
    destination.id = json_string(stored, "id");
    destination.confirmation_url = json_string(stored, "confirmationUrl");
    destination.vpc_json = json_string(stored, "vpc");
    destination.status = *status;
    destination.status_reason = json_string(stored, "statusReason");
    destination.token = json_string(stored, "token");
    destination.created_at = time("createdAt");
    destination.updated_at = time("updatedAt");
    return destination;
}

}  // namespace

std::string_view status_text(DestinationStatus status) {
    return status_names[static_cast<std::size_t>(status)];
}

std::optional<DestinationStatus> parse_status(std::string_view text) {
    const auto found = std::find(status_names.begin(), status_names.end(), text);
    if (found == status_names.end()) return std::nullopt;
    return static_cast<DestinationStatus>(found - status_names.begin());
}

std::string DestinationService::arn(const Destination& destination) const {
    return "arn:aws:iot:" + dependencies_.arns.region().str() + ":" + dependencies_.arns.account().str() + ":ruledestination/" +
           (destination.vpc_json.empty() ? "http/" : "vpc/") + destination.id;
}

std::optional<Destination> DestinationService::find(std::string_view wanted) const {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(destinations_.begin(), destinations_.end(), [&](const Destination& one) { return arn(one) == wanted; });
    return found == destinations_.end() ? std::nullopt : std::optional(*found);
}

Result<Destination> DestinationService::get(std::string_view wanted) const {
    auto found = find(wanted);
    if (!found)
        return Error(Errc::access_denied, "Access to topic rule destination '" + std::string(wanted.substr(0, 2048)) + "' was denied");
    return std::move(*found);
}

std::vector<Destination> DestinationService::list() const {
    const std::lock_guard lock(mutex_);
    return destinations_;
}

bool DestinationService::allows(std::string_view url) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(destinations_.begin(), destinations_.end(), [&](const Destination& one) {
        return one.status == DestinationStatus::enabled && !one.confirmation_url.empty() && url.starts_with(one.confirmation_url);
    });
}

bool DestinationService::has(std::string_view confirmation_url) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(destinations_.begin(), destinations_.end(),
                       [&](const Destination& one) { return one.confirmation_url == confirmation_url; });
}

Result<void> DestinationService::check_url(std::string_view text) const {
    const auto url = text.size() <= url_bytes_max ? parse_url(text) : std::nullopt;
    if (!url) return invalid("`" + std::string(text.substr(0, 200)) + "` is not a URL of at most 2000 characters");
    if (dependencies_.quotas.profile() == QuotaProfile::relaxed) return {};
    if (!url->tls) return invalid("`" + std::string(text) + "` must begin with https:// (quota profile `relaxed` takes http too)");
    if (url->port != "443" && url->port != "8443")
        return invalid("`" + std::string(text) + "`: the port must be 443 or 8443 (quota profile `relaxed` takes any)");
    if (url->host.find(':') != std::string::npos) return invalid("`" + std::string(text) + "`: IPv6 addresses are not supported");
    return {};
}

DestinationService::Awaitable<void> DestinationService::load() {
    kv::ScanOptions options;
    options.range = kv::KeyBuilder(room).prefix_range();
    while (true) {
        auto page = co_await dependencies_.engine.scan(options);
        if (!page) co_return page.error();
        for (const kv::KeyValue& item : page->items) {
            if (auto destination = destination_from(item.value)) destinations_.push_back(std::move(*destination));
        }
        if (!page->more || page->items.empty()) break;
        options.range.begin = page->items.back().key + '\0';
    }
    std::sort(destinations_.begin(), destinations_.end(), [](const auto& a, const auto& b) { return a.created_at < b.created_at; });
    co_return Result<void>();
}

DestinationService::Awaitable<void> DestinationService::save(Destination destination) {
    destination.updated_at = dependencies_.clock.now();
    kv::Batch batch;
    batch.put(key_of(destination), record_of(destination));
    const auto saved = co_await dependencies_.engine.commit(std::move(batch));
    if (!saved) co_return Error(Errc::unavailable, saved.error().message);
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(destinations_.begin(), destinations_.end(), [&](const Destination& one) { return one.id == destination.id; });
    if (found == destinations_.end()) {
        destinations_.push_back(std::move(destination));
    } else {
        *found = std::move(destination);
    }
    co_return Result<void>();
}

DestinationService::Awaitable<Destination> DestinationService::create(Destination destination) {
    const std::int64_t most = dependencies_.quotas[Quota::rule_destinations_per_account];
    if (list().size() >= static_cast<std::size_t>(most))
        co_return invalid("an account has at most " + std::to_string(most) + " destinations");
    destination.id = dependencies_.random.uuid();
    destination.created_at = dependencies_.clock.now();
    destination.updated_at = destination.created_at;
    Destination copy = destination;
    const auto saved = co_await save(std::move(copy));
    if (!saved) co_return saved.error();
    co_return destination;
}

DestinationService::Awaitable<Destination> DestinationService::create_http(std::string confirmation_url) {
    if (auto valid = check_url(confirmation_url); !valid) co_return valid.error();
    if (has(confirmation_url)) co_return Error(Errc::resource_already_exists, "A destination with this confirmation URL already exists");
    Destination destination;
    destination.confirmation_url = std::move(confirmation_url);
    destination.status_reason = "Awaiting confirmation. Confirmation message sent on " +
                                std::to_string(dependencies_.clock.now().time_since_epoch().count()) +
                                ". No response received from the endpoint.";
    destination.token = dependencies_.random.text(token_letters, token_alphabet);
    auto created = co_await create(std::move(destination));
    if (created) ask_for_confirmation(*created);
    co_return created;
}

DestinationService::Awaitable<Destination> DestinationService::create_vpc(std::string vpc_json) {
    Destination destination;
    destination.vpc_json = std::move(vpc_json);
    destination.status = DestinationStatus::enabled;
    auto created = co_await create(std::move(destination));
    co_return created;
}

DestinationService::Awaitable<void> DestinationService::update(std::string wanted, DestinationStatus status) {
    auto found = get(wanted);
    if (!found) co_return found.error();
    Destination destination = std::move(*found);
    const DestinationStatus before = destination.status;
    const bool on_or_off = before == DestinationStatus::enabled || before == DestinationStatus::disabled;
    const bool again = status == DestinationStatus::in_progress && destination.vpc_json.empty();
    const bool toggle = on_or_off && (status == DestinationStatus::enabled || status == DestinationStatus::disabled);
    if (!again && !toggle)
        co_return invalid("a destination that is " + std::string(status_text(before)) + " cannot become " +
                          std::string(status_text(status)));
    destination.status = status;
    if (again) destination.token = dependencies_.random.text(token_letters, token_alphabet);
    Destination copy = destination;
    const auto saved = co_await save(std::move(copy));
    if (!saved) co_return saved.error();
    if (again) ask_for_confirmation(destination);
    co_return Result<void>();
}

DestinationService::Awaitable<void> DestinationService::remove(std::string wanted) {
    auto found = get(wanted);
    if (!found) co_return found.error();
    kv::Batch batch;
    batch.erase(key_of(*found));
    const auto erased = co_await dependencies_.engine.commit(std::move(batch));
    if (!erased) co_return Error(Errc::unavailable, erased.error().message);
    const std::lock_guard lock(mutex_);
    std::erase_if(destinations_, [&](const Destination& one) { return one.id == found->id; });
    co_return Result<void>();
}

DestinationService::Awaitable<void> DestinationService::confirm(std::string token) {
    Destination destination;
    for (Destination& one : list()) {
        if (!token.empty() && one.token == token) destination = std::move(one);
    }
    if (destination.id.empty()) co_return invalid("the confirmation token is not known");
    destination.status = DestinationStatus::enabled;
    destination.status_reason.clear();
    destination.token.clear();
    auto saved = co_await save(std::move(destination));
    co_return saved;
}

void DestinationService::ask_for_confirmation(const Destination& destination) {
    dependencies_.spawn([this, destination] { return send_confirmation(destination); });
}

asio::awaitable<void> DestinationService::send_confirmation(Destination destination) {
    const std::string enable_url = dependencies_.confirm_url + "/confirmdestination/" + destination.token;
    const std::string base = destination.confirmation_url.ends_with('/')
                                 ? destination.confirmation_url.substr(0, destination.confirmation_url.size() - 1)
                                 : destination.confirmation_url;
    HttpRequest request;
    if (auto url = parse_url(base + "/?confirmationToken=" + destination.token)) request.url = std::move(*url);
    request.headers = {{"content-type", "application/json"},
                       {"x-amz-rules-engine-message-type", "DestinationConfirmation"},
                       {"x-amz-rules-engine-destination-arn", arn(destination)}};
    const json body{{"arn", arn(destination)},
                    {"confirmationToken", destination.token},
                    {"enableUrl", enable_url},
                    {"messageType", "DestinationConfirmation"}};
    request.body = body.dump();
    const auto answer = co_await dependencies_.http.send(std::move(request));
    const bool taken = answer && answer->status >= 200 && answer->status < 300;
    if (taken) co_return;
    auto current = find(arn(destination));
    // Confirmed, asked again or deleted in the meantime.
    if (!current || current->status != DestinationStatus::in_progress || current->token != destination.token) co_return;
    current->status = DestinationStatus::error;
    current->status_reason = "The confirmation message could not be delivered: " +
                             (answer ? "the endpoint answered " + std::to_string(answer->status) : answer.error().message);
    Destination failed = std::move(*current);
    co_await save(std::move(failed));
}

}  // namespace fogbank::rules
