// lambda: the SELECT result is the event of an asynchronous invocation. Source: reference "rules-actions", section 2.

#include <nlohmann/json.hpp>

#include "common/arn.h"
#include "rules/actions/action.h"
#include "rules/errc.h"

namespace fogbank::rules {
namespace {

constexpr std::string_view failed_action = "LambdaAction";

/// A function's ARN or bare name. Region and account of the ARN are not compared: rules come here from other accounts' exports.
Result<FunctionName> function_name(const std::string& reference) {
    if (!reference.starts_with("arn:")) return FunctionName(reference);
    const auto arn = Arn::parse(reference);
    constexpr std::string_view prefix = "function:";
    if (!arn || arn->service != "lambda" || !arn->resource.starts_with(prefix)) {
        return Error(Errc::invalid_request, "lambda action: `" + reference + "` is not the ARN of a function");
    }
    const std::string name = arn->resource.substr(prefix.size());
    const std::size_t colon = name.find(':');
    if (colon != std::string::npos && name.substr(colon) != ":$LATEST") {
        return Error(Errc::invalid_request, "lambda action: `" + reference + "`: function versions and aliases are not available");
    }
    return FunctionName(name.substr(0, colon));
}

class LambdaAction final : public Action {
  public:
    LambdaAction(sql::Template function, lambda::FunctionService& functions) : function_(std::move(function)), functions_(functions) {}

    void run(const ActionInput& input, ActionDone done) const override {
        auto reference = expand(function_, input);
        if (!reference) return fail(done, "", reference.error());
        auto name = function_name(*reference);
        if (!name) return fail(done, *reference, name.error());
        if (input.output.is_raw()) {
            return fail(done, *reference, Error(Errc::evaluation, "the payload is not JSON: functions take JSON, use encode(*, 'base64')"));
        }
        auto event = input.output.payload(input.message.message());
        if (!event) return fail(done, *reference, event.error());
        functions_.invoke_async(std::move(*name), std::move(*event),
                                [resource = *reference, done = std::move(done)](Result<void> result) mutable {
                                    if (result) return done(std::nullopt);
                                    fail(done, resource, result.error());
                                });
    }

  private:
    static void fail(ActionDone& done, std::string resource, Error error) {
        const bool store = is_store_failure(error);
        error.message = "Failed to invoke lambda function. " + error.message;
        done(ActionFailure{std::string(failed_action), std::move(resource), std::move(error), store});
    }

    sql::Template function_;
    lambda::FunctionService& functions_;
};

}  // namespace

MadeAction make_lambda_action(const ActionDefinition& definition) {
    auto function = template_parameter(definition, "lambda", "functionArn");
    if (!function) return function.error();
    if (const std::string* constant = function->constant()) {
        if (auto name = function_name(*constant); !name) return name.error();
    }
    return std::make_unique<LambdaAction>(std::move(*function), definition.services.functions);
}

}  // namespace fogbank::rules
