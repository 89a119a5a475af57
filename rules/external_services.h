/// Where the functions of IoT SQL that ask other services get their answers in a running server (rules/external.h).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "common/clock.h"
#include "common/functions.h"
#include "common/shadows.h"
#include "common/things.h"
#include "rules/external.h"
#include "store/table/table_service.h"

namespace fogbank::rules {

/// Reference "rules-sql", section 9.6: aws_lambda has 2000 ms. The others have Fogbank's own bound.
inline constexpr std::chrono::milliseconds lambda_call_max{2000}, external_call_max{5000};
/// Reference "rules-sql", section 9.6: secrets and descriptors are cached for at most 15 minutes; here a changed file counts sooner.
inline constexpr std::chrono::seconds secrets_age_max{10};

/// Reads one object: the FileDescriptorSet of decode(…, 'proto', …).
using ObjectReader = std::function<boost::asio::awaitable<Result<std::string>>(std::string bucket, std::string key)>;

class ExternalServices {
  public:
    /// What may be missing is null or empty: then functions that need it are refused when a rule is made.
    struct Dependencies {
        store::table::TableService& tables;
        FunctionCaller* functions = nullptr;
        Shadows* shadows = nullptr;
        ThingDirectory* things = nullptr;
        std::filesystem::path secrets_file;  ///< {"<secret id>": text or object}
        ObjectReader objects;
        const Clock& clock;
    };
    virtual ~ExternalServices() = default;

    virtual sql::WhyNoExternal why_not() const = 0;
    /// Any shard; resumes on the caller's executor. A failure is an answer. Never throws.
    virtual boost::asio::awaitable<sql::ExternalAnswer> ask(sql::ExternalRequest request) = 0;
};

std::shared_ptr<ExternalServices> make_external_services(ExternalServices::Dependencies dependencies);

}  // namespace fogbank::rules
