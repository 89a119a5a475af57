/// The policies of one principal, asked about one request after the other: what IAM callers are judged by. A connection, whose context does
/// not change, has an `Evaluator` (policy/document.h).
#pragma once

#include <memory>
#include <vector>

#include "policy/document.h"

namespace fogbank::policy {

/// Immutable, thread-safe. Statements that name only keys of the principal itself, most of all those without conditions and variables, are
/// compiled once; the others for each request that they can matter to.
class PolicySet {
  public:
    /// @param principal  the keys that have the same values in every request. Not kept.
    PolicySet(std::vector<Policy> policies, const Context& principal);
    ~PolicySet();
    PolicySet(PolicySet&&) noexcept;
    PolicySet& operator=(PolicySet&&) noexcept;

    /// Explicit deny wins, then any allow, else implicit deny: what an Evaluator of the same policies and `context` says. `context` has the
    /// principal's keys too. Nothing is allocated unless a statement depends on the request.
    Decision::Outcome evaluate(const Request& request, const Context& context) const;
    /// The same decision with its statements; slow.
    Decision explain(const Request& request, const Context& context) const;

  private:
    struct Parts;
    std::unique_ptr<const Parts> parts_;
};

}  // namespace fogbank::policy
