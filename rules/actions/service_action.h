/// What the actions that send requests to other services share: reading parameters, AWS's protocols.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/actions/action.h"
#include "rules/outbox.h"

namespace fogbank::rules {

/// Reads an action's parameters; the first mistake is kept, and what is read after it does not matter.
class ParameterReader {
  public:
    /// @param action  the key, for messages: `sqs`.
    ParameterReader(const ActionDefinition& definition, std::string_view action) : definition_(definition), action_(action) {}

    /// A non-empty string with substitution templates.
    sql::Template text(std::string_view name);
    std::optional<sql::Template> optional_text(std::string_view name);
    bool flag(std::string_view name);
    /// A string that is taken as it is; `fallback` if it is missing, an error if there is none.
    std::string literal(std::string_view name, std::optional<std::string> fallback = std::nullopt);
    /// `literal` that must be one of `choices`; the first is the default.
    std::string choice(std::string_view name, const std::vector<std::string>& choices);
    /// Every action but lambda, http and salesforce needs `roleArn`. It is not judged: there is no role to take on here.
    void role();
    /// This server does not have the service itself: an endpoint must be configured.
    void sink(const std::string& service);
    void wrong(std::string why);

    const std::optional<Error>& error() const { return error_; }

  private:
    const nlohmann::json* find(std::string_view name) const;
    const ActionDefinition& definition_;
    std::string action_;
    std::optional<Error> error_;
};

/// An action that only prepares requests; the outbox sends them.
class OutboundAction : public Action {
  public:
    /// @param name  `SqsAction`. @param failure  begins error messages: `Failed to send message to SQS queue.`
    OutboundAction(std::string name, std::string failure) : name_(std::move(name)), failure_(std::move(failure)) {}
    void run(const ActionInput& input, ActionDone done) const override;

  protected:
    /// Adds the steps and names the resource (also before an error is returned). Errors: evaluation.
    virtual Result<void> prepare(const ActionInput& input, OutboundWork& work) const = 0;

  private:
    std::string name_, failure_;
};

/// The bytes for the action.
Result<std::string> payload_of(const ActionInput& input);

using FormParameters = std::vector<std::pair<std::string, std::string>>;
/// AWS's query protocol: SQS, SNS, CloudWatch.
OutboundStep query_step(const std::string& service, const std::string& sign_service, const std::string& path,
                        const FormParameters& parameters);
/// AWS's JSON protocols. @param version  `1.0` or `1.1`.
OutboundStep json_step(const std::string& service, std::string_view version, const std::string& target, std::string body);

}  // namespace fogbank::rules
