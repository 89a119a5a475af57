/// What is kept of functions beside their newest code: published versions, aliases, tags, permissions, concurrency, event settings.
/// Source: AWS Lambda API reference 2015-03-31.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lambda/function_meta.h"
#include "lambda/function_reference.h"

namespace fogbank::lambda {

struct FunctionConfiguration;

struct PublishVersionRequest {
    FunctionName name;
    std::optional<std::string> code_sha256, description, revision_id;
};

/// Any thread; everything resumes on the caller's executor. Errors of all: resource_not_found, unavailable; resource_conflict while another
/// change of the same function is under way.
class FunctionAdministration {
  public:
    template <class T>
    using Answer = boost::asio::awaitable<Result<T>>;
    virtual ~FunctionAdministration() = default;

    /// By version or alias; the ARN is as it was asked for.
    virtual Answer<FunctionConfiguration> get_version(FunctionReference function) = 0;
    /// `$LATEST` first, then by number.
    virtual Answer<std::vector<FunctionConfiguration>> list_versions(FunctionName name) = 0;
    /// A version of the code and configuration as they are now, or the last version if nothing changed since. Errors: precondition_failed
    /// (revision), invalid_parameter (another code than `code_sha256`).
    virtual Answer<FunctionConfiguration> publish_version(PublishVersionRequest request) = 0;
    /// One version. Errors: resource_conflict, when an alias names it; invalid_parameter for `$LATEST`.
    virtual Answer<void> delete_version(FunctionReference function) = 0;

    virtual Answer<FunctionMeta> get_meta(FunctionName name) = 0;
    /// Changes a copy; what `change` returns is what the caller gets, and with an error nothing is changed. `versions` are the published
    /// ones. Returns when the change is committed.
    using MetaChange = std::function<Result<void>(FunctionMeta& meta, const std::set<std::uint64_t>& versions)>;
    virtual Answer<FunctionMeta> change_meta(FunctionName name, MetaChange change) = 0;
};

}  // namespace fogbank::lambda
