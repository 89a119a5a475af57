/// How every part of the registry reads and changes the store, and how a change reaches what is in memory.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/function.h"
#include "registry/detail/events.h"
#include "registry/detail/group_records.h"
#include "registry/detail/records.h"
#include "registry/registry.h"

namespace fogbank::registry {

using store::kv::KeyValue;
using store::kv::Range;
using store::kv::Transaction;

/// What a change touched and live connections, caches and subscribers to events must learn of. Filled by the change's transaction body,
/// anew each time it is run.
struct Affected {
    std::vector<PolicyName> policies;
    std::vector<CertificateId> certificates;
    std::vector<ThingName> things;
    std::vector<std::string> groups;
    std::vector<RegistryEvent> events;
    bool by_index = false;  ///< the index made this change: it need not look at the things again
};

/// The body of a change: one transaction. Owns what it uses.
template <class T>
using ChangeBody = UniqueFunction<Result<T>(Transaction&, Affected&)>;

class Core {
  public:
    explicit Core(Registry::Dependencies dependencies) : deps_(std::move(dependencies)), events_(deps_) {}
    virtual ~Core() = default;
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    const Registry::Dependencies& deps() const { return deps_; }
    /// Makes events; whether a type is enabled is asked there.
    EventMaker& events_made() { return events_; }
    const EventMaker& events_made() const { return events_; }

    /// Runs `body` as one transaction, then brings live state up to date. A cancel of the caller stops neither.
    template <class T>
    Awaitable<T> change(ChangeBody<T> body);

    Awaitable<std::optional<std::string>> read(std::string key);
    Awaitable<std::vector<std::optional<std::string>>> read_all(std::vector<std::string> keys);
    Awaitable<std::vector<KeyValue>> scan_all(Range range);
    /// One page of a range; `next` is the marker.
    struct KeyPage {
        std::vector<KeyValue> items;
        std::optional<std::string> next;
    };
    Awaitable<KeyPage> scan_page(Range range, PageRequest page);

    // Reads inside transactions. The `require_` forms answer resource_not_found.
    Result<std::optional<Thing>> find_thing(Transaction& tx, const ThingName& name) const;
    Result<Thing> require_thing(Transaction& tx, const ThingName& name) const;
    Result<StoredCertificate> require_certificate(Transaction& tx, const CertificateId& id) const;
    Result<StoredPolicy> require_policy(Transaction& tx, const PolicyName& name) const;
    Result<StoredPolicyVersion> require_policy_version(Transaction& tx, const PolicyName& name, std::uint64_t version) const;

    Result<ThingType> require_thing_type(Transaction& tx, const std::string& name) const;
    Result<std::optional<ThingGroup>> find_thing_group(Transaction& tx, const std::string& name) const;
    Result<ThingGroup> require_thing_group(Transaction& tx, const std::string& name) const;
    Result<BillingGroup> require_billing_group(Transaction& tx, const std::string& name) const;

    /// Writes a thing's record and what leads to it; `before` is what was stored, if anything.
    void put_thing(Transaction& tx, const Thing* before, const Thing& after) const;
    /// The type, if any, must exist and not be deprecated. `text`: AWS's words for a deprecated one.
    Result<void> check_type_for_thing(Transaction& tx, const std::string& type, std::string_view text) const;
    /// The records of those that exist, in the order of `names`.
    Awaitable<std::vector<Thing>> read_things(std::vector<ThingName> names);
    /// Adds tags to what is there. Errors: limit_exceeded.
    Result<void> put_tags(Transaction& tx, const std::string& arn, const TagMap& tags) const;
    void erase_tags(Transaction& tx, const std::string& arn) const;

    /// The certificate that a principal's or target's ARN names. Errors: invalid_request for what is no such ARN, resource_not_found for
    /// one of another account, region or kind.
    Result<CertificateId> certificate_of(std::string_view arn) const;

    /// What policies are attached to. Errors: as certificate_of.
    struct PolicyTarget {
        std::optional<CertificateId> certificate;
        std::string group;  ///< if it is no certificate
    };
    Result<PolicyTarget> policy_target_of(std::string_view arn) const;
    /// Errors: resource_not_found, invalid_request for a dynamic group.
    Result<void> require_policy_target(Transaction& tx, const PolicyTarget& target) const;

  protected:
    /// Tells caches and live connections, after the commit.
    virtual Awaitable<void> refresh(Affected affected) = 0;

    Registry::Dependencies deps_;
    EventMaker events_;

  private:
    Awaitable<void> change_erased(ChangeBody<void> body);
    Awaitable<void> change_now(ChangeBody<void> body);
};

/// Scans a whole range inside a transaction.
Result<std::vector<KeyValue>> scan_in(Transaction& tx, const Range& range);
Result<bool> empty_in(Transaction& tx, const Range& range);

/// The store's own errors as store_unavailable, ours unchanged.
Error store_error(Error error);
Error not_found(std::string_view what, std::string_view name);

}  // namespace fogbank::registry

#include "registry/detail/change.h"  // IWYU pragma: keep
