/// Things, certificates, policies and their attachments. Source: AWS IoT API reference 2015-05-28 (reference "registry").
///
/// All calls: any thread; awaitables resume on the caller's executor; a change is committed when the call returns and takes effect on live
/// connections at once (Permissions::version changes); after any error nothing has changed. Names are checked here against AWS's patterns
/// and lengths.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/arn.h"
#include "common/authenticator.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/quotas.h"
#include "common/random.h"
#include "common/result.h"
#include "registry/certificate_authority.h"
#include "registry/errc.h"
#include "store/kv/engine.h"

namespace fogbank::registry {

template <class T>
using Awaitable = boost::asio::awaitable<Result<T>>;

class Iam;

struct Thing {
    ThingName name;
    std::string id;  ///< UUID
    std::string arn;
    std::string type_name;  ///< empty: none
    std::map<std::string, std::string> attributes;
    std::string billing_group_name;  ///< empty: none
    std::int64_t version = 1;
};

enum class CertificateStatus : std::uint8_t { active, inactive, revoked, pending_transfer, register_inactive, pending_activation };
std::string_view certificate_status_name(CertificateStatus status);  ///< `ACTIVE` …

struct CertificateRecord {
    CertificateId id;
    std::string arn;
    CertificateStatus status = CertificateStatus::inactive;
    std::string pem;
    WallTime created_at{}, modified_at{}, not_before{}, not_after{};
};

struct KeysAndCertificate {
    CertificateRecord certificate;
    std::string public_key_pem, private_key_pem;  ///< handed out once, never stored
};

struct PolicyRecord {
    PolicyName name;
    std::string arn;
    std::string document;  ///< text as given
    std::string version_id;
    bool is_default = true;
    WallTime created_at{}, modified_at{};
};

/// One page of a list; `next` continues it.
template <class T>
struct ListPage {
    std::vector<T> items;
    std::optional<std::string> next;
};
struct PageRequest {
    std::optional<std::string> marker;
    std::int64_t items_max = 100;  ///< 1 to 250
    bool ascending = true;
};

struct CreateThingRequest {
    ThingName name;
    std::string type_name;
    std::map<std::string, std::string> attributes;
    std::string billing_group_name;
};

class Registry : public Authenticator {
  public:
    struct Dependencies {
        store::kv::Engine& engine;
        const Clock& clock;
        RandomSource& random;
        ArnFactory arns;
        Quotas quotas;
        CertificateAuthority& authority;
        const Iam* iam = nullptr;  ///< judges IAM callers on the data plane; null: only root may do anything
    };

    // Things

    /// The same name with the same configuration answers the existing thing. Errors: invalid_request, resource_already_exists.
    virtual Awaitable<Thing> create_thing(CreateThingRequest request) = 0;
    virtual Awaitable<Thing> describe_thing(ThingName name) = 0;
    /// Succeeds for a thing that does not exist. Errors: invalid_request while principals are attached, version_conflict.
    virtual Awaitable<void> delete_thing(ThingName name, std::optional<std::int64_t> expected_version) = 0;
    virtual Awaitable<ListPage<Thing>> list_things(PageRequest page) = 0;

    // Certificates

    virtual Awaitable<KeysAndCertificate> create_keys_and_certificate(bool set_as_active) = 0;
    /// `csr_pem`: at most 4096 bytes. Errors: invalid_request.
    virtual Awaitable<CertificateRecord> create_certificate_from_csr(std::string csr_pem, bool set_as_active) = 0;
    virtual Awaitable<CertificateRecord> describe_certificate(CertificateId id) = 0;
    /// `new_status`: active, inactive or revoked; others are invalid_request.
    virtual Awaitable<void> update_certificate(CertificateId id, CertificateStatus new_status) = 0;
    /// Errors: certificate_state while active, delete_conflict while things or (without `force`) policies are attached.
    virtual Awaitable<void> delete_certificate(CertificateId id, bool force) = 0;
    virtual Awaitable<ListPage<CertificateRecord>> list_certificates(PageRequest page) = 0;

    // Principals of things. `principal_arn` is a certificate's ARN.

    virtual Awaitable<void> attach_thing_principal(ThingName thing, std::string principal_arn) = 0;
    virtual Awaitable<void> detach_thing_principal(ThingName thing, std::string principal_arn) = 0;
    virtual Awaitable<std::vector<std::string>> list_thing_principals(ThingName thing) = 0;
    virtual Awaitable<std::vector<ThingName>> list_principal_things(std::string principal_arn) = 0;

    // Policies. `target` is a certificate's ARN (thing groups come with the whole registry).

    virtual Awaitable<PolicyRecord> create_policy(PolicyName name, std::string document) = 0;
    virtual Awaitable<PolicyRecord> get_policy(PolicyName name) = 0;
    virtual Awaitable<void> delete_policy(PolicyName name) = 0;
    virtual Awaitable<ListPage<PolicyRecord>> list_policies(PageRequest page) = 0;
    virtual Awaitable<PolicyRecord> create_policy_version(PolicyName name, std::string document, bool set_as_default) = 0;
    virtual Awaitable<PolicyRecord> get_policy_version(PolicyName name, std::string version_id) = 0;
    virtual Awaitable<std::vector<PolicyRecord>> list_policy_versions(PolicyName name) = 0;
    virtual Awaitable<void> set_default_policy_version(PolicyName name, std::string version_id) = 0;
    virtual Awaitable<void> delete_policy_version(PolicyName name, std::string version_id) = 0;
    virtual Awaitable<void> attach_policy(PolicyName name, std::string target) = 0;
    virtual Awaitable<void> detach_policy(PolicyName name, std::string target) = 0;
    virtual Awaitable<ListPage<PolicyRecord>> list_attached_policies(std::string target, PageRequest page) = 0;
    virtual Awaitable<ListPage<std::string>> list_targets_for_policy(PolicyName name, PageRequest page) = 0;
};

/// Loads what it caches. The dependencies must outlive the registry.
Awaitable<std::unique_ptr<Registry>> open_registry(Registry::Dependencies dependencies);

}  // namespace fogbank::registry
