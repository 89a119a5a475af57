#include "rules/external_services.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/json.h"
#include "rules/errc.h"
#include "rules/functions.h"
#include "rules/stubs.h"
#include "store/table/json.h"

namespace fogbank::rules {
namespace {

namespace asio = boost::asio;
namespace table = store::table;
using sql::External;
using sql::ExternalAnswer;
using sql::ExternalRequest;
using TextResult = Result<std::string>;

constexpr std::size_t secrets_bytes_max = 4 * 1024 * 1024;

ExternalAnswer failed(std::string why) {
    ExternalAnswer answer;
    answer.failed = true;
    answer.text = std::move(why);
    return answer;
}

ExternalAnswer answer_of(std::string_view who, TextResult result) {
    if (!result) return failed(std::string(who) + ": " + result.error().message);
    ExternalAnswer answer;
    answer.text = std::move(*result);
    return answer;
}

/// The secrets file, read again when it is older than `secrets_age_max`. Thread-safe.
class Secrets {
  public:
    Secrets(std::filesystem::path file, const Clock& clock) : file_(std::move(file)), clock_(clock) {}

    ExternalAnswer find(const ExternalRequest& request) {
        const std::lock_guard lock(mutex_);
        if (!read_at_ || clock_.steady() - *read_at_ > secrets_age_max) read();
        if (!problem_.empty()) return failed("get_secret: " + problem_);
        const nlohmann::ordered_json externals{{"secret", secrets_}};
        return answer_from_stubs(externals, request);
    }

  private:
    void read() {
        read_at_ = clock_.steady();
        problem_.clear();
        std::ifstream file(file_, std::ios::binary);
        std::ostringstream bytes;
        bytes << file.rdbuf();
        JsonLimits limits;
        limits.bytes_max = secrets_bytes_max;
        if (!file || !parse_json(bytes.str(), limits)) {
            problem_ = "the secrets file cannot be read or is no JSON object";
            return;
        }
        secrets_ = nlohmann::ordered_json::parse(bytes.str(), nullptr, false);
        if (!secrets_.is_object()) problem_ = "the secrets file is no JSON object";
    }

    const std::filesystem::path file_;
    const Clock& clock_;
    std::mutex mutex_;
    std::optional<SteadyTime> read_at_;
    nlohmann::ordered_json secrets_;
    std::string problem_;
};

/// A key's value, given as JSON text, as an attribute.
table::AttributeValue key_value(const std::string& json) {
    const auto value = sql::value_of_json(json, sql::Version::v2016_03_23);
    if (value && value->is_string()) return table::AttributeValue(std::string(value->text()));
    if (value && value->is_number()) return table::AttributeValue(value->number());
    return table::AttributeValue(table::Null());
}

asio::awaitable<TextResult> after(std::chrono::milliseconds time) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, time);
    co_await timer.async_wait(asio::use_awaitable);
    co_return Error(Errc::evaluation, "no answer within " + std::to_string(time.count()) + " ms");
}

class Services final : public ExternalServices {
  public:
    explicit Services(Dependencies dependencies)
        : dependencies_(std::move(dependencies)), secrets_(dependencies_.secrets_file, dependencies_.clock) {}

    sql::WhyNoExternal why_not() const override {
        sql::WhyNoExternal why;
        const auto set = [&why](External service, std::string text) { why[static_cast<std::size_t>(service)] = std::move(text); };
        if (dependencies_.functions == nullptr) set(External::lambda, "there are no functions");
        if (dependencies_.shadows == nullptr) set(External::shadow, "this server has no shadows");
        if (dependencies_.things == nullptr) set(External::registry, "this server has no registry");
        if (dependencies_.secrets_file.empty()) set(External::secret, "no secrets file is configured (--secrets-file)");
        if (!dependencies_.objects) set(External::object, "there is no S3 to read the descriptor from (--sink s3=URL)");
        return why;
    }

    asio::awaitable<ExternalAnswer> ask(ExternalRequest request) override {
        if (request.service == External::secret) co_return secrets_.find(request);
        const auto time = request.service == External::lambda ? lambda_call_max : external_call_max;
        const std::string who = name_of(request);
        std::string thrown;
        try {
            using namespace asio::experimental::awaitable_operators;
            auto answer = text_of(std::move(request));
            auto timeout = after(time);
            auto either = co_await (std::move(answer) || std::move(timeout));
            TextResult text = either.index() == 0 ? std::move(std::get<0>(either)) : std::move(std::get<1>(either));
            co_return answer_of(who, std::move(text));
        } catch (const std::exception& e) {
            thrown = e.what();
        }
        co_return failed(who + ": " + thrown);
    }

  private:
    static std::string name_of(const ExternalRequest& request) {
        switch (request.service) {
            case External::lambda:
                return "aws_lambda: function `" + request.arguments[0] + "`";
            case External::table:
                return "get_dynamodb: table `" + request.arguments[0] + "`";
            case External::registry:
                return "get_registry_data: " + request.arguments[0] + " of `" + request.arguments[1] + "`";
            case External::shadow:
                return "get_thing_shadow: thing `" + request.arguments[0] + "`";
            case External::object:
                return "decode: object `" + request.arguments[0] + "/" + request.arguments[1] + "`";
            case External::secret:
                break;
        }
        return "get_secret";
    }

    asio::awaitable<TextResult> text_of(ExternalRequest request) {
        switch (request.service) {
            case External::lambda:
                return function(std::move(request));
            case External::table:
                return item(std::move(request));
            case External::registry:
                return registry(std::move(request));
            case External::shadow:
                return dependencies_.shadows->get_shadow(ThingName(request.arguments[0]), request.arguments[1]);
            default:
                return dependencies_.objects(request.arguments[0], request.arguments[1]);
        }
    }

    asio::awaitable<TextResult> function(ExternalRequest request) {
        auto answer = co_await dependencies_.functions->call_function(request.arguments[0], request.arguments[1]);
        if (!answer) co_return answer.error();
        if (!answer->function_error.empty()) co_return Error(Errc::evaluation, "the function failed: " + answer->payload);
        co_return std::move(answer->payload);
    }

    asio::awaitable<TextResult> registry(ExternalRequest request) {
        const ThingName thing(request.arguments[1]);
        if (request.arguments[0] == "DescribeThing") return dependencies_.things->describe_thing_json(thing);
        return dependencies_.things->thing_groups_json(thing);
    }

    asio::awaitable<TextResult> item(ExternalRequest request) {
        table::GetItemRequest get;
        get.table = TableName(request.arguments[0]);
        for (std::size_t i = 1; i + 1 < request.arguments.size(); i += 2)
            get.key.insert_or_assign(request.arguments[i], key_value(request.arguments[i + 1]));
        get.consistent_read = true;
        auto found = co_await dependencies_.tables.get_item(std::move(get));
        if (!found) co_return found.error();
        std::string text;
        if (found->item) text = table::plain_json(*found->item);
        co_return text;
    }

    Dependencies dependencies_;
    Secrets secrets_;
};

}  // namespace

std::shared_ptr<ExternalServices> make_external_services(ExternalServices::Dependencies dependencies) {
    return std::make_shared<Services>(std::move(dependencies));
}

}  // namespace fogbank::rules
