/// Permissions of a certificate's connection: compiled policies that follow the registry.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/detail/impl.h"
#include "registry/iam.h"

namespace fogbank::registry {

/// Belongs to one connection, used on its shard. Looks at one counter per question; when something in the registry has changed, at the
/// versions of what this connection depends on; and compiles anew, from memory, only when one of these has.
class CertificatePermissions final : public Permissions {
  public:
    /// `named_thing`: the thing that the client id names, whether or not it exists or is attached; null if it can name none.
    CertificatePermissions(Principal principal, ConnectionFacts facts, std::shared_ptr<PrincipalCell> cell,
                           std::shared_ptr<ThingCell> named_thing, std::shared_ptr<const Epoch> epoch, ArnFactory arns);

    bool allows(IotAction action, std::string_view resource_name) override;
    AccessDecision explain(IotAction action, std::string_view resource_name) override;
    std::uint64_t version() const override;
    std::string exclusive_thing_name() const override { return exclusive_thing_name_; }

  private:
    bool is_stale() const;
    void refresh();
    void compile();
    void load();
    std::uint64_t versions_now() const;
    /// The policies in force; nothing if the connection may do nothing at all, then `blocked_` says why.
    std::optional<std::vector<policy::Policy>> collect(const PrincipalFacts& facts, const ThingFacts* thing);
    void collect_attached(const AttachedPolicies& attached, std::vector<policy::Policy>& out);
    void collect_groups(const ThingFacts& thing, std::vector<policy::Policy>& out);
    /// The connection's thing: the certificate's exclusive one, or an attached one that the client id names. Null: none.
    std::shared_ptr<const ThingFacts> find_thing(const PrincipalFacts& facts);
    /// The cell's value, remembering its version.
    template <class T>
    std::shared_ptr<const T> see(const std::shared_ptr<LiveCell<T>>& cell);
    /// The ARN, in scratch space.
    std::string_view resource(IotAction action, std::string_view resource_name);

    Principal principal_;
    ConnectionFacts facts_;
    std::shared_ptr<PrincipalCell> cell_;
    std::shared_ptr<ThingCell> named_thing_;
    std::shared_ptr<const Epoch> epoch_;
    ArnFactory arns_;
    std::string arn_prefix_, scratch_;

    std::uint64_t version_ = 1;
    std::uint64_t version_offset_ = 0;  ///< version() is this and the cells' versions together
    std::uint64_t seen_epoch_ = 0;
    std::vector<std::pair<std::shared_ptr<const LiveVersion>, std::uint64_t>> seen_;  ///< every cell that the answer depends on
    std::size_t policies_ = 0;
    std::optional<policy::Evaluator> evaluator_;
    std::string blocked_, exclusive_thing_name_;
};

/// An IAM principal on the data plane (WebSocket with SigV4): its IAM policies as they are now. The root user may do everything; a
/// principal that is gone may do nothing. Belongs to one connection, used on its shard.
class IamPermissions final : public Permissions {
  public:
    IamPermissions(Principal principal, ConnectionFacts facts, const Iam& iam, const Clock& clock, ArnFactory arns);
    bool allows(IotAction action, std::string_view resource_name) override;
    AccessDecision explain(IotAction action, std::string_view resource_name) override;
    std::uint64_t version() const override;

  private:
    void refresh();

    Principal principal_;
    ConnectionFacts facts_;
    const Iam& iam_;
    const Clock& clock_;
    ArnFactory arns_;
    std::shared_ptr<const IamState> seen_;
    std::uint64_t version_ = 1;
    bool everything_ = false;
    std::unique_ptr<CallerAccess> access_;
};

/// The account's root user may do everything; other API callers have no IAM policies here yet and may do nothing.
/// Source: IAM User Guide, "AWS account root user".
class ApiCallerPermissions final : public Permissions {
  public:
    ApiCallerPermissions(Principal principal, ArnFactory arns) : principal_(std::move(principal)), arns_(std::move(arns)) {}
    bool allows(IotAction action, std::string_view resource_name) override;
    AccessDecision explain(IotAction action, std::string_view resource_name) override;
    std::uint64_t version() const override { return 1; }

  private:
    Principal principal_;
    ArnFactory arns_;
};

/// The resource ARN that `action` on `name` is judged by, without the account's prefix; `*` for lists, which are granted on all or nothing.
void append_resource(IotAction action, std::string_view name, std::string_view arn_prefix, std::string& out);

}  // namespace fogbank::registry
