/// How the broker learns who a peer is and what it may do; implemented by the registry.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/ids.h"
#include "common/result.h"

namespace fogbank {

/// Who a peer is, after authentication.
struct Principal {
    enum class Kind : std::uint8_t { certificate, iam_user };
    Kind kind = Kind::certificate;
    std::string id;   ///< certificate id (64 hex) or access key's user id
    std::string arn;  ///< `arn:aws:iot:…:cert/<id>` or `arn:aws:iam::…`
};

/// Data-plane actions of IoT policies (reference "policy", section 3).
enum class IotAction : std::uint8_t {
    connect,
    publish,
    retain_publish,
    subscribe,
    receive,
    get_thing_shadow,
    update_thing_shadow,
    delete_thing_shadow,
    list_named_shadows_for_thing,
    get_retained_message,
    list_retained_messages,
    assume_role_with_certificate,
};
/// `iot:Connect` and so on.
std::string_view iot_action_name(IotAction action);
/// The type in the action's resource ARN: `client`, `topic`, `topicfilter`, `thing` …
std::string_view iot_resource_type(IotAction action);

/// A decision with its reason. `reason` names action, resource ARN, principal and the deciding statement, or the nearest ones that did not
/// match; it goes to logs and to the developer, so it holds no secrets.
struct AccessDecision {
    enum class Outcome : std::uint8_t { allowed, implicit_deny, explicit_deny };
    Outcome outcome = Outcome::implicit_deny;
    std::string reason;
    bool allowed() const { return outcome == Outcome::allowed; }
};

/// What is known of a connection when it is judged; feeds policy variables (reference "policy", section 6).
struct ConnectionFacts {
    ClientId client_id;  ///< empty over HTTP
    std::string source_ip;
    std::string server_name;  ///< SNI or Host, may be empty
    bool persistent = false;  ///< iot:ConnectAttributes PersistentConnect
    std::string will_topic;   ///< empty: no will
};

/// The compiled policies of one principal on one connection. Owned by the connection, used on its shard only.
class Permissions {
  public:
    virtual ~Permissions() = default;

    /// Whether `action` is allowed on `resource_name` (the part after `type/`: a topic name, a filter's text, a client id). A hot path: no
    /// allocation on a hit, well under a microsecond.
    virtual bool allows(IotAction action, std::string_view resource_name) = 0;

    /// The same decision with its reason; slow, for refusals.
    virtual AccessDecision explain(IotAction action, std::string_view resource_name) = 0;

    /// Changes whenever a decision may have changed (policy, attachment, certificate status). A caller that caches decisions drops them
    /// then.
    virtual std::uint64_t version() const = 0;

    /// The thing that the principal's certificate belongs to exclusively; empty: none.
    virtual std::string exclusive_thing_name() const { return {}; }
};

/// Told when a principal must not be connected any longer (its certificate was deactivated, revoked or deleted). Implemented by the broker.
class RevocationObserver {
  public:
    virtual ~RevocationObserver() = default;
    /// Any thread; must not block: connections are closed on their own shards, soon. `reason` is one sentence for log and activity feed.
    virtual void principal_revoked(const std::string& principal_id, const std::string& reason) = 0;
};

/// Thread-safe; the awaitables resume on the caller's executor.
class Authenticator {
  public:
    virtual ~Authenticator() = default;

    /// Resolves a presented client certificate. TLS has already proved that the peer holds its key; the chain has not been checked.
    ///
    /// @param certificate_der  the leaf as sent, DER.
    /// Errors (registry::Errc): certificate_not_registered, certificate_inactive, certificate_revoked, certificate_expired,
    /// certificate_pending, store_unavailable. The message says which certificate and what its state is.
    virtual boost::asio::awaitable<Result<Principal>> authenticate_certificate(std::string certificate_der) = 0;

    /// Collects and compiles the policies that govern `principal` on this connection. A principal without policies gets permissions that
    /// deny all. Errors: store_unavailable.
    virtual boost::asio::awaitable<Result<std::unique_ptr<Permissions>>> permissions(Principal principal, ConnectionFacts facts) = 0;

    /// Names the one who is told of revocations from now on; null: nobody. The observer must outlive the calls: take it back before it
    /// goes.
    virtual void observe_revocations(RevocationObserver* observer) = 0;
};

}  // namespace fogbank
