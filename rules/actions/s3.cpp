// s3: the payload as an object. Source: reference "rules-actions", section 6.

#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "rules/actions/service_action.h"

namespace fogbank::rules {
namespace {

class S3Action final : public OutboundAction {
  public:
    S3Action(sql::Template bucket, sql::Template key, std::string acl)
        : OutboundAction("S3Action", "Failed to put S3 object."), bucket_(std::move(bucket)), key_(std::move(key)), acl_(std::move(acl)) {}

  protected:
    Result<void> prepare(const ActionInput& input, OutboundWork& work) const override {
        auto bucket = expand(bucket_, input);
        if (!bucket) return bucket.error();
        work.resource = *bucket;
        auto key = expand(key_, input);
        if (!key) return key.error();
        auto payload = payload_of(input);
        if (!payload) return payload.error();
        OutboundStep step;
        step.sink = "s3";
        step.sign_service = "s3";
        step.method = "PUT";
        step.url = "/" + percent_encode(*bucket) + "/" + percent_encode(*key, true);
        step.headers["content-type"] = input.output.is_raw() ? "application/octet-stream" : "application/json";
        if (!acl_.empty()) step.headers["x-amz-acl"] = acl_;
        step.body = std::move(*payload);
        work.steps.push_back(std::move(step));
        return {};
    }

  private:
    sql::Template bucket_, key_;
    std::string acl_;
};

}  // namespace

MadeAction make_s3_action(const ActionDefinition& definition) {
    ParameterReader read(definition, "s3");
    auto bucket = read.text("bucketName");
    auto key = read.text("key");
    std::string acl;
    if (definition.parameters.contains("cannedAcl")) {
        acl = read.choice("cannedAcl", {"private", "public-read", "public-read-write", "aws-exec-read", "authenticated-read",
                                        "bucket-owner-read", "bucket-owner-full-control", "log-delivery-write"});
    }
    read.role();
    read.sink("s3");
    if (read.error()) return *read.error();
    return std::make_unique<S3Action>(std::move(bucket), std::move(key), std::move(acl));
}

}  // namespace fogbank::rules
