/// IAM and STS, as much as an application needs: users, roles and customer managed policies of the one account, access keys, temporary
/// credentials. Source: IAM API reference 2010-05-08, STS API reference 2011-06-15, IAM User Guide "Policy evaluation logic".
///
/// All of it is small (IAM's quotas are thousands of entities) and is kept in memory as one immutable state that is replaced whole; a
/// change is one transaction. So who may do what is judged without I/O and changes take effect with the next request.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/arn.h"
#include "common/function.h"
#include "common/random.h"
#include "common/role_access.h"
#include "common/role_credentials.h"
#include "registry/access_keys.h"
#include "registry/errc.h"
#include "store/kv/engine.h"

namespace fogbank::registry {

/// What users and roles have in common.
struct IamIdentity {
    std::string name, path = "/", id;
    WallTime created_at{};
    std::map<std::string, std::string> inline_policies;  ///< name to document
    std::vector<std::string> attached_policies;          ///< ARNs, in the order of attachment
    std::map<std::string, std::string> tags;
};

struct IamUser : IamIdentity {};

struct IamRole : IamIdentity {
    std::string trust_policy, description;
    std::int64_t session_s_max = 3600;
};

struct IamPolicyVersion {
    std::string document;
    WallTime created_at{};
};

struct IamPolicy {
    std::string name, path = "/", id, description;
    WallTime created_at{}, updated_at{};
    std::uint64_t default_version = 1, next_version = 2;
    std::map<std::uint64_t, IamPolicyVersion> versions;
    std::map<std::string, std::string> tags;
};

struct IamAccessKey {
    std::string id, secret, user_name;
    bool active = true;
    WallTime created_at{};
};

/// Everything, by name (access keys by id). IAM's names are unique without regard to case; keys here are the names as written.
struct IamState {
    std::map<std::string, IamUser> users;
    std::map<std::string, IamRole> roles;
    std::map<std::string, IamPolicy> policies;
    std::map<std::string, IamAccessKey> access_keys;
};

/// A policy that AWS provides; its ARN has the account `aws`.
struct ManagedPolicy {
    std::string_view name, path, document;
};
/// The few AWS managed policies that applications of this server's services attach. Their documents are this project's own wording.
const ManagedPolicy* managed_policy(std::string_view arn);

/// What temporary credentials are made for.
struct SessionRequest {
    std::string role_name;  ///< empty: the caller itself, as GetSessionToken has it
    std::string role_arn;   ///< as asked for; of another account too, when the server itself needs it
    std::string user_name;  ///< without a role: the user; empty: root
    std::string session_name;
    std::string session_policy;                                            ///< JSON; narrows what the role allows; empty: none
    std::vector<std::pair<std::string, std::string>> condition_keys = {};  ///< further keys of the session (`credentials-iot:ThingName`)
    bool unmanaged = false;  ///< a role that was never created may do everything (RoleCredentials)
    std::chrono::seconds duration{3600};
};

/// Asks whether a role's trust policy admits somebody.
struct TrustQuestion {
    std::string action = "sts:AssumeRole";
    std::string caller_arn;  ///< of a user, role or session; empty for services
    std::string service;     ///< `lambda.amazonaws.com`; empty for callers
    CallerFacts facts;
    std::string external_id;  ///< sts:ExternalId
};
enum class Trust : std::uint8_t {
    no,
    account,   ///< the account (or everybody) is trusted: the caller's own policies must allow it too
    directly,  ///< this caller is named
};

class Iam : public AccessKeys, public RoleCredentials, public RoleAccess {
  public:
    /// Reads what there is and makes the root key if there is none. The arguments outlive it.
    static boost::asio::awaitable<Result<std::unique_ptr<Iam>>> open(store::kv::Engine& engine, const Clock& clock, RandomSource& random,
                                                                     ArnFactory arns);

    virtual std::shared_ptr<const IamState> state() const = 0;
    /// Applies `edit` to the newest state and stores what it changed, as one transaction; it may be run again and must have no other
    /// effects. Its error is passed on and nothing changes. Errors: also store_unavailable.
    virtual boost::asio::awaitable<Result<void>> change(UniqueFunction<Result<void>(IamState&)> edit) = 0;

    /// Temporary credentials. Any thread; nothing is stored: the token carries everything, encrypted, and outlives a restart.
    virtual TemporaryCredentials issue(const SessionRequest& request) const = 0;
    /// The ARN and id of a session, as GetCallerIdentity answers.
    virtual Principal session_principal(const SessionRequest& request) const = 0;

    virtual Trust trusts(const IamRole& role, const TrustQuestion& question) const = 0;
    /// The grants of a principal that find() or find_session() returned, as of now; null: may do everything. Nothing for one that is gone.
    virtual std::optional<std::shared_ptr<const CallerGrants>> grants_of(const Principal& principal) const = 0;

    virtual std::string new_id(std::string_view prefix) const = 0;  ///< `AIDA…`, `AROA…`, `ANPA…`, `AKIA…`
    virtual std::string new_secret() const = 0;
    std::string user_arn(const IamIdentity& user) const;
    std::string role_arn(const IamIdentity& role) const;
    std::string policy_arn(const IamPolicy& policy) const;
    const ArnFactory& arns() const { return arns_; }

  protected:
    explicit Iam(ArnFactory arns) : arns_(std::move(arns)) {}
    ArnFactory arns_;
};

/// Whether `document` is an identity-based policy. Errors: malformed_policy.
Result<void> check_identity_policy(std::string_view document);
/// Whether `document` is a trust policy. Errors: malformed_policy.
Result<void> check_trust_policy(std::string_view document);

}  // namespace fogbank::registry
