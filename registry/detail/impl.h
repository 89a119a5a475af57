/// The registry on a key-value engine. One file per subject implements it.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/function.h"
#include "policy/document.h"
#include "registry/detail/certificate_cache.h"
#include "registry/detail/live.h"
#include "registry/detail/records.h"
#include "registry/registry.h"

namespace fogbank::registry {

using store::kv::KeyValue;
using store::kv::Range;
using store::kv::Transaction;

using PolicyCell = LiveCell<policy::Policy>;

/// What is known of one certificate and matters to its live connections.
struct PrincipalFacts {
    bool registered = true;
    CertificateStatus status = CertificateStatus::inactive;
    CertificateVariables variables;
    std::vector<std::pair<PolicyName, std::shared_ptr<PolicyCell>>> policies;
    std::vector<Thing> things;  ///< those it is attached to
};
using PrincipalCell = LiveCell<PrincipalFacts>;

/// What a change touched and live connections must learn of. Filled by the change's transaction body, anew each time it is run.
struct Affected {
    std::vector<PolicyName> policies;
    std::vector<CertificateId> certificates;
};

/// The body of a change: one transaction. Owns what it uses.
template <class T>
using ChangeBody = UniqueFunction<Result<T>(Transaction&, Affected&)>;

class RegistryImpl final : public Registry {
  public:
    explicit RegistryImpl(Dependencies dependencies);
    ~RegistryImpl() override;

    // things.cpp
    Awaitable<Thing> create_thing(CreateThingRequest request) override;
    Awaitable<Thing> describe_thing(ThingName name) override;
    Awaitable<void> delete_thing(ThingName name, std::optional<std::int64_t> expected_version) override;
    Awaitable<ListPage<Thing>> list_things(PageRequest page) override;

    // certificates.cpp
    Awaitable<KeysAndCertificate> create_keys_and_certificate(bool set_as_active) override;
    Awaitable<CertificateRecord> create_certificate_from_csr(std::string csr_pem, bool set_as_active) override;
    Awaitable<CertificateRecord> describe_certificate(CertificateId id) override;
    Awaitable<void> update_certificate(CertificateId id, CertificateStatus new_status) override;
    Awaitable<void> delete_certificate(CertificateId id, bool force) override;
    Awaitable<ListPage<CertificateRecord>> list_certificates(PageRequest page) override;

    // thing_principals.cpp
    Awaitable<void> attach_thing_principal(ThingName thing, std::string principal_arn) override;
    Awaitable<void> detach_thing_principal(ThingName thing, std::string principal_arn) override;
    Awaitable<std::vector<std::string>> list_thing_principals(ThingName thing) override;
    Awaitable<std::vector<ThingName>> list_principal_things(std::string principal_arn) override;

    // policies.cpp
    Awaitable<PolicyRecord> create_policy(PolicyName name, std::string document) override;
    Awaitable<PolicyRecord> get_policy(PolicyName name) override;
    Awaitable<void> delete_policy(PolicyName name) override;
    Awaitable<ListPage<PolicyRecord>> list_policies(PageRequest page) override;

    // policy_versions.cpp
    Awaitable<PolicyRecord> create_policy_version(PolicyName name, std::string document, bool set_as_default) override;
    Awaitable<PolicyRecord> get_policy_version(PolicyName name, std::string version_id) override;
    Awaitable<std::vector<PolicyRecord>> list_policy_versions(PolicyName name) override;
    Awaitable<void> set_default_policy_version(PolicyName name, std::string version_id) override;
    Awaitable<void> delete_policy_version(PolicyName name, std::string version_id) override;

    // policy_attachments.cpp
    Awaitable<void> attach_policy(PolicyName name, std::string target) override;
    Awaitable<void> detach_policy(PolicyName name, std::string target) override;
    Awaitable<ListPage<PolicyRecord>> list_attached_policies(std::string target, PageRequest page) override;
    Awaitable<ListPage<std::string>> list_targets_for_policy(PolicyName name, PageRequest page) override;

    // principal_resolution.cpp
    Awaitable<Principal> authenticate_certificate(std::string certificate_der) override;
    Awaitable<std::unique_ptr<Permissions>> permissions(Principal principal, ConnectionFacts facts) override;
    void observe_revocations(RevocationObserver* observer) override { revocations_ = observer; }

    /// Checks the format of what is stored, or marks an empty store.
    Awaitable<void> check_format();

  private:
    // registry.cpp: how everything reads and writes.

    /// Runs `body` as one transaction, then brings live state up to date. A cancel of the caller stops neither.
    template <class T>
    Awaitable<T> change(ChangeBody<T> body);
    template <class T>
    Awaitable<T> change_now(ChangeBody<T> body);
    Awaitable<void> refresh(Affected affected);

    Awaitable<std::optional<std::string>> read(std::string key);
    Awaitable<std::vector<std::optional<std::string>>> read_all(std::vector<std::string> keys);
    Awaitable<std::vector<KeyValue>> scan_all(Range range);
    /// One page of a range; `next` is the marker.
    struct KeyPage {
        std::vector<KeyValue> items;
        std::optional<std::string> next;
    };
    Awaitable<KeyPage> scan_page(Range range, PageRequest page);

    // Reads inside transactions.
    Result<std::optional<Thing>> find_thing(Transaction& tx, const ThingName& name) const;
    Result<Thing> require_thing(Transaction& tx, const ThingName& name) const;
    Result<StoredCertificate> require_certificate(Transaction& tx, const CertificateId& id) const;
    Result<StoredPolicy> require_policy(Transaction& tx, const PolicyName& name) const;
    Result<StoredPolicyVersion> require_policy_version(Transaction& tx, const PolicyName& name, std::uint64_t version) const;

    /// The certificate that a principal's or target's ARN names. Errors: invalid_request for what is no such ARN, resource_not_found for
    /// one of another account, region or kind.
    Result<CertificateId> certificate_of(std::string_view arn) const;

    Awaitable<CertificateRecord> store_certificate(x509::Certificate certificate, bool active);
    Result<void> check_document(const std::string& document) const;
    PolicyRecord policy_record(const PolicyName& name, const StoredPolicy& policy, std::uint64_t version, StoredPolicyVersion stored) const;

    // principal_resolution.cpp: what is in memory for live connections. Each installs something newer, null if the store could not be read.
    Awaitable<void> load_principal(std::shared_ptr<PrincipalCell> cell, CertificateId id);
    Awaitable<PrincipalFacts> read_principal(CertificateId id);
    Awaitable<std::vector<Thing>> read_things_of(CertificateId id);
    Awaitable<void> load_policy(std::shared_ptr<PolicyCell> cell, PolicyName name);
    Awaitable<policy::Policy> read_policy(PolicyName name);
    Awaitable<CertificateState> certificate_state(CertificateId id);

    void tell_revoked(const CertificateId& id, const std::string& reason) {
        if (RevocationObserver* observer = revocations_; observer != nullptr) observer->principal_revoked(id.str(), reason);
    }

    Dependencies deps_;
    std::atomic<RevocationObserver*> revocations_{nullptr};
    std::shared_ptr<Epoch> epoch_ = std::make_shared<Epoch>(0);
    LiveTable<PrincipalFacts> principals_{epoch_};
    LiveTable<policy::Policy> policies_{epoch_};
    CertificateCache certificates_;
    boost::asio::thread_pool pool_{1};  ///< makes keys and signs; callers wait their turn
};

/// Scans a whole range inside a transaction.
Result<std::vector<KeyValue>> scan_in(Transaction& tx, const Range& range);
Result<bool> empty_in(Transaction& tx, const Range& range);

/// The store's own errors as store_unavailable, ours unchanged.
Error store_error(Error error);
Error not_found(std::string_view what, std::string_view name);

}  // namespace fogbank::registry

#include "registry/detail/change.h"  // IWYU pragma: keep
