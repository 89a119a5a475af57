/// The registry on a key-value engine. One file per subject implements it.
#pragma once

#include <algorithm>
#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/document.h"
#include "registry/authorization.h"
#include "registry/detail/certificate_cache.h"
#include "registry/detail/certificate_part.h"
#include "registry/detail/core.h"
#include "registry/detail/fleet_index_part.h"
#include "registry/detail/live.h"
#include "registry/detail/parts.h"
#include "registry/detail/records.h"
#include "registry/registry.h"

namespace fogbank::registry {

using PolicyCell = LiveCell<policy::Policy>;
using AttachedPolicies = std::vector<std::pair<PolicyName, std::shared_ptr<PolicyCell>>>;

/// What a thing group lends its members.
struct GroupFacts {
    std::string id;  ///< empty: there is no such group
    AttachedPolicies policies;
};
using GroupCell = LiveCell<GroupFacts>;

/// What is known of one thing and matters to its live connections.
struct ThingFacts {
    bool exists = false;
    Thing thing;
    /// Those it is in and all their ancestors. A group of the same name that was made later has another id.
    struct Membership {
        std::string group_id;
        std::shared_ptr<GroupCell> group;
    };
    std::vector<Membership> groups;
};
using ThingCell = LiveCell<ThingFacts>;

/// What is known of one certificate and matters to its live connections.
struct PrincipalFacts {
    bool registered = true;
    CertificateStatus status = CertificateStatus::inactive;
    CertificateVariables variables;
    AttachedPolicies policies;
    std::vector<std::string> things;             ///< names of those it is attached to, sorted
    std::shared_ptr<ThingCell> exclusive_thing;  ///< null: none
    bool has(std::string_view thing) const { return std::binary_search(things.begin(), things.end(), thing); }
};
using PrincipalCell = LiveCell<PrincipalFacts>;

/// The kind of an attachment between thing and principal, from its record.
PrincipalType attachment_type(std::string_view record);

class RegistryImpl final : public Registry, public Authorization, private Core {
  public:
    explicit RegistryImpl(Dependencies dependencies);
    ~RegistryImpl() override;

    // things.cpp
    Awaitable<Thing> create_thing(CreateThingRequest request) override;
    Awaitable<Thing> describe_thing(ThingName name) override;
    Awaitable<void> update_thing(UpdateThingRequest request) override;
    Awaitable<void> delete_thing(ThingName name, std::optional<std::int64_t> expected_version) override;
    Awaitable<ListPage<Thing>> list_things(ThingFilter filter, PageRequest page) override;

    // certificates.cpp
    Awaitable<KeysAndCertificate> create_keys_and_certificate(bool set_as_active) override;
    Awaitable<CertificateRecord> create_certificate_from_csr(std::string csr_pem, bool set_as_active) override;
    Awaitable<CertificateRecord> describe_certificate(CertificateId id) override;
    Awaitable<void> update_certificate(CertificateId id, CertificateStatus new_status) override;
    Awaitable<void> delete_certificate(CertificateId id, bool force) override;
    Awaitable<ListPage<CertificateRecord>> list_certificates(PageRequest page) override;

    // thing_principals.cpp
    Awaitable<void> attach_thing_principal(ThingName thing, std::string principal_arn, PrincipalType type) override;
    Awaitable<void> detach_thing_principal(ThingName thing, std::string principal_arn) override;
    Awaitable<std::vector<Attached<std::string>>> list_thing_principals(ThingName thing) override;
    Awaitable<std::vector<Attached<ThingName>>> list_principal_things(std::string principal_arn) override;

    // thing_directory.cpp
    Awaitable<bool> thing_exists(ThingName thing) override;
    Awaitable<std::string> describe_thing_json(ThingName thing) override;
    Awaitable<std::string> thing_groups_json(ThingName thing) override;
    Awaitable<std::vector<ThingName>> things_in_group(std::string group_name) override;

    // policies.cpp
    Awaitable<PolicyRecord> create_policy(PolicyName name, std::string document, TagMap tags) override;
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
    Awaitable<ListPage<PolicyRecord>> list_attached_policies(std::string target, bool recursive, PageRequest page) override;
    Awaitable<ListPage<std::string>> list_targets_for_policy(PolicyName name, PageRequest page) override;

    // effective_policies.cpp
    Awaitable<std::vector<PolicyRecord>> effective_policies(std::string principal, std::optional<ThingName> thing) override;

    // authorization.cpp
    Awaitable<std::vector<AuthAnswer>> test_authorization(AuthTest test) override;
    Awaitable<std::vector<Explanation>> explain(ExplainRequest request) override;

    // principal_resolution.cpp
    Awaitable<Principal> authenticate_certificate(std::string certificate_der) override;
    Awaitable<std::unique_ptr<Permissions>> permissions(Principal principal, ConnectionFacts facts) override;
    void observe_revocations(RevocationObserver* observer) override { revocations_ = observer; }

    ThingTypes& thing_types() override { return types_; }
    ThingGroups& thing_groups() override { return groups_; }
    BillingGroups& billing_groups() override { return billing_groups_; }
    Tags& tags() override { return tags_; }
    EventConfigurations& events() override { return event_configurations_; }
    Authorization& authorization() override { return *this; }
    LoggingOptions& logging() override { return logging_; }
    CertificateRegistration& certificate_registration() override { return certificate_part_; }
    FleetIndex& index() override { return index_; }
    void publish_events(Publisher* publisher) override { publisher_ = publisher; }

    /// Reads the settings that are kept in memory.
    Awaitable<void> load_settings();
    /// Checks the format of what is stored, or marks an empty store.
    Awaitable<void> check_format();

  private:
    Awaitable<void> refresh(Affected affected) override;
    void publish(std::vector<RegistryEvent> events);

    Result<Thing> updated_thing(Transaction& tx, const Thing& stored, const UpdateThingRequest& request) const;
    Awaitable<ListPage<Thing>> list_things_of_type(std::string type, PageRequest page);
    Awaitable<ListPage<Thing>> list_all_things(PageRequest page);

    Awaitable<ListPage<PolicyRecord>> list_inherited_policies(std::string group, PageRequest page);
    Awaitable<std::vector<policy::Policy>> policies_to_test(const AuthTest& test, std::optional<ThingName> thing);
    /// The names of what is attached to `targets`, each once, sorted.
    Awaitable<std::vector<PolicyName>> policies_of(std::vector<std::string> targets);
    /// The ARN of a group and those of its ancestors.
    Awaitable<std::vector<std::string>> group_path(std::string group);
    Awaitable<CertificateRecord> store_certificate(x509::Certificate certificate, bool active);
    Result<void> check_document(const std::string& document) const;
    PolicyRecord policy_record(const PolicyName& name, const StoredPolicy& policy, std::uint64_t version, StoredPolicyVersion stored) const;

    // principal_resolution.cpp: what is in memory for live connections. Each installs something newer, null if the store could not be read.
    Awaitable<void> load_principal(std::shared_ptr<PrincipalCell> cell, CertificateId id);
    Awaitable<PrincipalFacts> read_principal(CertificateId id);
    Awaitable<AttachedPolicies> read_attached_policies(std::string target);
    /// Loaded if it is not yet; null if it cannot be read.
    Awaitable<std::shared_ptr<ThingCell>> obtain_thing(ThingName name);
    Awaitable<void> load_thing(std::shared_ptr<ThingCell> cell, ThingName name);
    Awaitable<ThingFacts> read_thing_facts(ThingName name);
    Awaitable<void> load_group(std::shared_ptr<GroupCell> cell, std::string name);
    Awaitable<GroupFacts> read_group_facts(std::string name);
    Awaitable<void> load_policy(std::shared_ptr<PolicyCell> cell, PolicyName name);
    Awaitable<policy::Policy> read_policy(PolicyName name);
    Awaitable<CertificateState> certificate_state(CertificateId id);

    /// Tells the broker and the activity feed.
    void tell_revoked(const CertificateId& id, const std::string& reason);

    std::atomic<RevocationObserver*> revocations_{nullptr};
    std::shared_ptr<Epoch> epoch_ = std::make_shared<Epoch>(0);
    LiveTable<PrincipalFacts> principals_{epoch_};
    LiveTable<policy::Policy> policies_{epoch_};
    LiveTable<ThingFacts> live_things_{epoch_};
    LiveTable<GroupFacts> live_groups_{epoch_};
    std::atomic<Publisher*> publisher_{nullptr};
    ThingTypesPart types_{*this};
    ThingGroupsPart groups_{*this};
    BillingGroupsPart billing_groups_{*this};
    TagsPart tags_{*this};
    EventConfigurationsPart event_configurations_{*this};
    LoggingOptionsPart logging_{*this};
    CertificatePart certificate_part_{*this};
    FleetIndexPart index_{*this, groups_};
    CertificateCache certificates_;
    BoundedCache<ThingName, bool> thing_names_{65'536};  ///< whether a thing exists, for those asked for last
    boost::asio::thread_pool pool_{1};                   ///< makes keys and signs; callers wait their turn
};

}  // namespace fogbank::registry
