/// Topic rule destinations: the URLs that http actions may send to, each confirmed by its owner. Source: AWS IoT Developer Guide, "HTTP
/// action destinations" (reference "rules", section 8.1).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/arn.h"
#include "common/clock.h"
#include "common/quotas.h"
#include "common/random.h"
#include "common/result.h"
#include "rules/http_client.h"
#include "store/kv/engine.h"

namespace fogbank::rules {

enum class DestinationStatus : std::uint8_t { in_progress, enabled, disabled, error };
/// `IN_PROGRESS` …; nothing for other text.
std::string_view status_text(DestinationStatus status);
std::optional<DestinationStatus> parse_status(std::string_view text);

struct Destination {
    std::string id;                ///< UUID
    std::string confirmation_url;  ///< of an HTTP destination
    std::string vpc_json;          ///< of a VPC destination: vpcConfiguration as given
    DestinationStatus status = DestinationStatus::in_progress;
    std::string status_reason, token;
    WallTime created_at{}, updated_at{};
};

class DestinationService {
  public:
    template <class T>
    using Awaitable = boost::asio::awaitable<Result<T>>;
    struct Dependencies {
        store::kv::Engine& engine;
        HttpClient& http;
        const Clock& clock;
        RandomSource& random;
        ArnFactory arns;
        Quotas quotas;
        std::string confirm_url;  ///< of this server's API, before `/confirmdestination/<token>`
        /// Runs a coroutine away from the shards.
        std::function<void(std::function<boost::asio::awaitable<void>()>)> spawn;
    };
    explicit DestinationService(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

    Awaitable<void> load();
    /// Stores it and asks its owner to confirm. Errors: invalid_request, resource_already_exists.
    Awaitable<Destination> create_http(std::string confirmation_url);
    /// There are no VPCs here: the record is kept, and enabled at once, so that kafka actions can name it.
    Awaitable<Destination> create_vpc(std::string vpc_json);
    /// Errors: access_denied for one that is not there, as AWS answers for rules.
    Result<Destination> get(std::string_view arn) const;
    std::vector<Destination> list() const;  ///< oldest first
    /// IN_PROGRESS asks for the confirmation again. Errors: invalid_request for a change that AWS does not allow.
    Awaitable<void> update(std::string arn, DestinationStatus status);
    Awaitable<void> remove(std::string arn);
    /// Enables the destination that `token` was sent to. Errors: invalid_request.
    Awaitable<void> confirm(std::string token);

    std::string arn(const Destination& destination) const;
    /// Whether an enabled destination covers `url`. Any thread.
    bool allows(std::string_view url) const;
    /// Whether a destination has this confirmation URL, whatever its state.
    bool has(std::string_view confirmation_url) const;
    /// Errors: invalid_request, with AWS's rules in profile `aws`: https, ports 443 and 8443, no IPv6 address.
    Result<void> check_url(std::string_view url) const;

  private:
    Awaitable<void> save(Destination destination);
    Awaitable<Destination> create(Destination destination);
    void ask_for_confirmation(const Destination& destination);
    boost::asio::awaitable<void> send_confirmation(Destination destination);
    std::optional<Destination> find(std::string_view arn) const;

    Dependencies dependencies_;
    mutable std::mutex mutex_;
    std::vector<Destination> destinations_;
};

}  // namespace fogbank::rules
