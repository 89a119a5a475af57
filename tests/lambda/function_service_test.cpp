// Creating, invoking, replacing and deleting functions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include <nlohmann/json.hpp>
#include <thread>

#include "common/encoding.h"
#include "common/json.h"
#include "tests/lambda/support.h"
#include "tests/lambda/zip_support.h"

namespace fogbank::lambda {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(FunctionService, CreatesFromAFileAndInvokes) {
    World world;
    const auto created = world.create("echo", "echo");
    ASSERT_TRUE(created) << created.error().message;
    EXPECT_EQ(created->arn, "arn:aws:lambda:us-east-1:000000000000:function:echo");
    const std::string object = file_bytes(handler_file("echo"));
    EXPECT_EQ(created->code_sha256, base64_encode(sha256(object)));
    EXPECT_EQ(created->code_size_bytes, static_cast<std::int64_t>(object.size()));
    EXPECT_EQ(created->revision_id.size(), 36U);

    const auto result = world.invoke("echo", R"({"pressure": 4.20})");
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->payload, R"({"pressure": 4.20})");
    EXPECT_EQ(result->function_error, "");
}

// Other rooms know functions by name or ARN only.
TEST(FunctionService, IsCalledByNameOrArn) {
    World world;
    ASSERT_TRUE(world.create("f", "echo"));
    for (const std::string name :
         {"f", "f:$LATEST", "123456789012:function:f", "arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST"}) {
        const auto answer = testing::run(world.service().call_function(name, "{}"));
        ASSERT_TRUE(answer) << name << ": " << answer.error().message;
        EXPECT_EQ(answer->function_error, "");
    }
    for (const std::string name : {"g", "f:7", "arn:aws:lambda:eu-west-1:123456789012:function:g"}) {
        EXPECT_EQ(testing::run(world.service().call_function(name, "{}")).error().code, Errc::resource_not_found) << name;
    }
    for (const std::string name : {"", "f g", "f:", "arn:aws:iot:eu-west-1:123456789012:thing/f", "a:b:c:d"}) {
        EXPECT_EQ(testing::run(world.service().call_function(name, "{}")).error().code, Errc::invalid_parameter) << name;
    }
}

TEST(FunctionService, LogTailHasAwsLines) {
    World world;
    ASSERT_TRUE(world.create("echo", "echo"));
    const auto tail = world.invoke("echo", "[1]")->log_tail;
    EXPECT_THAT(tail, MatchesRegex("START RequestId: [-0-9a-f]+ Version: \\$LATEST\necho of 3 bytes\nEND RequestId: [-0-9a-f]+\n"
                                   "REPORT RequestId: [-0-9a-f]+\tDuration: 0.00 ms\tBilled Duration: 0 ms\tMemory Size: 128 MB\t"
                                   "Max Memory Used: [0-9]+ MB\n"));
}

TEST(FunctionService, LogTailIsTheLastFourKilobytes) {
    World world;
    ASSERT_TRUE(world.create("f", "calls_back"));
    Callback callback([](std::size_t, Context& context) {
        for (int i = 0; i < 1000; ++i) context.log("line " + std::to_string(i));
        context.log(std::string(100'000, 'x'));
        context.log("the last");
        return 0;
    });
    const auto tail = world.invoke("f", callback.event())->log_tail;
    EXPECT_EQ(tail.size(), 4096U);
    EXPECT_THAT(tail, HasSubstr("xxx\nthe last\nEND RequestId"));
}

TEST(FunctionService, ThrowingIsAFunctionError) {
    World world;
    ASSERT_TRUE(world.create("throws", "throws"));
    const auto own = world.invoke("throws", "\"own\"");
    EXPECT_EQ(own->function_error, "Unhandled");
    EXPECT_EQ(own->payload, R"({"errorType":"PressureError","errorMessage":"too \"high\""})");
    EXPECT_EQ(world.invoke("throws", "\"int\"")->payload,
              R"({"errorType":"Unknown","errorMessage":"the handler threw something that is not a std::exception"})");
    EXPECT_THAT(world.invoke("throws", "\"json\"")->payload, HasSubstr("\"errorType\":\"JsonError\""));
    EXPECT_EQ(world.invoke("throws", "\"nothing\"")->function_error, "");
}

TEST(FunctionService, PlainCHandlers) {
    World world;
    ASSERT_TRUE(world.create("c", "plain_c"));
    EXPECT_THAT(world.invoke("c", "[]")->payload, MatchesRegex("\\{\"request\":\"[-0-9a-f]+\"\\}"));
    const auto failed = world.invoke("c", "{}");
    EXPECT_EQ(failed->function_error, "Unhandled");
    EXPECT_EQ(failed->payload, R"({"errorType":"Empty","errorMessage":"nothing in it"})");
}

TEST(FunctionService, ResultsThatAreNotJson) {
    World world;
    ASSERT_TRUE(world.create("silent", "silent"));
    ASSERT_TRUE(world.create("returns", "returns"));
    EXPECT_EQ(world.invoke("silent", "0")->payload, "null");
    EXPECT_EQ(world.invoke("silent", "1")->payload,
              R"({"errorType":"Unhandled","errorMessage":"the handler failed without an error object"})");
    EXPECT_EQ(world.invoke("silent", "2")->payload,
              R"({"errorType":"Unhandled","errorMessage":"the handler failed without an error object"})");
    EXPECT_EQ(world.invoke("returns", "\"\"")->payload, "null");
    const auto text = world.invoke("returns", "\"done\"");
    EXPECT_EQ(text->function_error, "Unhandled");
    EXPECT_THAT(text->payload, HasSubstr("Runtime.MarshalError"));
}

TEST(FunctionService, TooLargeResults) {
    World world;
    ASSERT_TRUE(world.create("echo", "echo"));
    // The largest event comes back; a larger one does not even go in.
    const std::string largest = "\"" + std::string(6 * 1024 * 1024 - 2, 'x') + "\"";
    EXPECT_EQ(world.invoke("echo", largest)->payload.size(), largest.size());
    EXPECT_EQ(world.invoke("echo", largest + " ").error().code, Errc::request_too_large);
    ASSERT_TRUE(world.create("large", "large"));
    EXPECT_EQ(world.invoke("large", "6291456")->function_error, "");
    const auto refused = world.invoke("large", "6291457");
    EXPECT_EQ(refused->function_error, "Unhandled");
    EXPECT_THAT(refused->payload, HasSubstr("Function.ResponseSizeTooLarge"));
}

TEST(FunctionService, EventsMustBeJson) {
    World world;
    ASSERT_TRUE(world.create("echo", "echo"));
    for (const char* bad : {"{", "nothing", "{\"a\":1,}", "\xff"}) {
        const auto refused = world.invoke("echo", bad);
        ASSERT_FALSE(refused) << bad;
        EXPECT_EQ(refused.error().code, Errc::invalid_request_content);
        EXPECT_THAT(refused.error().message, HasSubstr("Could not parse request body into json: "));
        EXPECT_EQ(world.invoke_async("echo", bad).error().code, Errc::invalid_request_content);
    }
    EXPECT_EQ(world.invoke("echo", "")->payload, "{}");
    EXPECT_EQ(world.invoke("echo", std::string(1000, '[')).error().code, Errc::invalid_request_content);
}

TEST(FunctionService, HandlersKnowTheirSurroundings) {
    World world;
    auto request = World::request("s", handler_file("surroundings"));
    request.environment["TABLE"] = "Secomea";
    request.timeout_s = 10;
    ASSERT_TRUE(world.create(request));
    world.clock.advance(678ms);
    const auto said = parse_json(world.invoke("s", "{}")->payload);
    ASSERT_TRUE(said);
    EXPECT_EQ(said->at("name"), "s");
    EXPECT_EQ(said->at("arn"), "arn:aws:lambda:us-east-1:000000000000:function:s");
    EXPECT_EQ(said->at("now"), "2026-01-02T03:04:05.678Z");
    EXPECT_EQ(said->at("deadline_ms"), 1'767'323'045'678 + 10'000);
    EXPECT_EQ(said->at("remaining_ms"), 10'000);
    EXPECT_EQ(said->at("TABLE"), "Secomea");
    EXPECT_EQ(said->at("UNSET"), "");
}

TEST(FunctionService, PutsAndGetsItems) {
    World world;
    ASSERT_TRUE(world.create("h", "host_calls"));
    EXPECT_EQ(world.invoke("h", R"({"op":"get","table":"T","key":{"id":"1"}})")->payload, "null");  // nothing there
    EXPECT_EQ(world.invoke("h", R"({"op":"put","table":"T","item":{"id":"1","t":21.50}})")->payload, "true");
    ASSERT_EQ(world.tables.puts().size(), 1U);
    EXPECT_EQ(world.tables.puts()[0].first, "T");
    EXPECT_EQ(*world.tables.puts()[0].second.at("id").string(), "1");
    EXPECT_EQ(parse_json(world.invoke("h", R"({"op":"get","table":"T","key":{"id":"1"}})")->payload)->at("t"), 21.5);
}

TEST(FunctionService, HostErrorsCarryTheExceptionsName) {
    World world;
    ASSERT_TRUE(world.create("h", "host_calls"));
    const auto put = world.invoke("h", R"({"op":"put","table":"Missing","item":{"id":"1"}})");
    EXPECT_EQ(put->function_error, "Unhandled");
    EXPECT_EQ(put->payload, R"({"errorType":"HostError","errorMessage":"ResourceNotFoundException: Requested resource not found"})");
    EXPECT_THAT(world.invoke("h", R"({"op":"get","table":"Missing","key":{"id":"1"}})")->payload, HasSubstr("ResourceNotFoundException: "));
    EXPECT_THAT(world.invoke("h", R"({"op":"put","table":"T","item":[1]})")->payload, HasSubstr("ValidationException: "));
    EXPECT_TRUE(world.tables.puts().size() == 1U);  // only the one to the table that is not there
}

TEST(FunctionService, Publishes) {
    World world;
    ASSERT_TRUE(world.create("h", "host_calls"));
    EXPECT_EQ(world.invoke("h", R"({"op":"publish","topic":"a/b","payload":{"x":1},"qos":0})")->payload, "true");
    EXPECT_EQ(world.invoke("h", R"({"op":"publish","topic":"a/c","payload":"text","qos":1})")->payload, "true");
    const auto messages = world.publisher.messages();
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_EQ(messages[0]->topic_name(), "a/b");
    EXPECT_EQ(messages[0]->payload(), R"({"x":1})");
    EXPECT_EQ(messages[1]->qos(), Qos::at_least_once);
    EXPECT_EQ(messages[1]->payload(), "text");
    EXPECT_THAT(world.invoke("h", R"({"op":"publish","topic":"full","payload":1,"qos":1})")->payload, HasSubstr("the store is full"));
    EXPECT_THAT(world.invoke("h", R"({"op":"publish","topic":"a/+","payload":1,"qos":0})")->payload,
                HasSubstr("wildcards are not allowed"));
    EXPECT_THAT(world.invoke("h", R"({"op":"publish","topic":"a","payload":1,"qos":2})")->payload, HasSubstr("qos must be 0 or 1"));
    const std::string large = R"({"op":"publish","topic":"a","qos":0,"payload":")" + std::string(128 * 1024 + 1, 'x') + "\"}";
    EXPECT_THAT(world.invoke("h", large)->payload, HasSubstr("RequestEntityTooLargeException"));
}

/// Allows the actions in a list; keeps what it was asked.
class FakeRoles final : public RoleAccess, public CallerAccess {
  public:
    Result<std::shared_ptr<const CallerAccess>> role_access(const std::string& role_arn, const std::string&) const override {
        role = role_arn;
        return std::shared_ptr<const CallerAccess>(std::shared_ptr<const CallerAccess>(), this);
    }
    AccessDecision check(const AccessRequest& request) const override {
        asked.push_back(request);
        AccessDecision out;
        if (allowed.contains(request.action)) out.outcome = AccessDecision::Outcome::allowed;
        out.reason = "not authorized to perform: " + request.action;
        return out;
    }
    std::set<std::string> allowed;
    mutable std::string role;
    mutable std::vector<AccessRequest> asked;
};

TEST(FunctionService, TheRoleDecidesWhatAHandlerMayAsk) {
    FakeRoles roles;
    World world;
    world.threads = 1;
    ASSERT_TRUE(world.create("h", "host_calls"));
    FunctionService::Surroundings surroundings;
    surroundings.role_access = &roles;
    world.service().start(std::move(surroundings));
    const std::string put = R"({"op":"put","table":"T","item":{"id":"1","t":2}})", get = R"({"op":"get","table":"T","key":{"id":"1"}})";
    const std::string publish = R"({"op":"publish","topic":"a/b","payload":{"x":1},"qos":0})";
    EXPECT_THAT(world.invoke("h", put)->payload, HasSubstr("AccessDeniedException: not authorized to perform: dynamodb:PutItem"));
    EXPECT_THAT(world.invoke("h", get)->payload, HasSubstr("AccessDeniedException: not authorized to perform: dynamodb:GetItem"));
    EXPECT_THAT(world.invoke("h", publish)->payload, HasSubstr("ForbiddenException: not authorized to perform: iot:Publish"));
    EXPECT_TRUE(world.tables.puts().empty());
    EXPECT_TRUE(world.publisher.messages().empty());
    EXPECT_EQ(roles.role, "arn:aws:iam::000000000000:role/lambda");
    ASSERT_EQ(roles.asked.size(), 3U);
    EXPECT_EQ(roles.asked[0].resource, "arn:aws:dynamodb:us-east-1:000000000000:table/T");
    EXPECT_EQ(roles.asked[2].resource, "arn:aws:iot:us-east-1:000000000000:topic/a/b");
    // As they are when the next invocation begins.
    roles.allowed = {"dynamodb:PutItem", "iot:Publish"};
    EXPECT_EQ(world.invoke("h", put)->payload, "true");
    EXPECT_EQ(world.invoke("h", publish)->payload, "true");
    EXPECT_THAT(world.invoke("h", get)->payload, HasSubstr("AccessDeniedException"));
    world.stop();
}

TEST(FunctionService, RefusesCodeThatDoesNotFitWithAReason) {
    World world;
    const auto reason = [&](const std::filesystem::path& file) {
        const auto refused = world.create(World::request("f", file));
        if (refused) return std::string("accepted");
        EXPECT_EQ(refused.error().code, Errc::invalid_code) << refused.error().message;
        return refused.error().message;
    };
    EXPECT_THAT(reason(world.folder.path() / "nowhere.so"), HasSubstr("nowhere.so`: there is no such file"));
    EXPECT_THAT(reason(world.folder.path()), HasSubstr("there is no such file"));
    EXPECT_THAT(reason(handler_file("wrong_abi")), HasSubstr("built for handler ABI 7, this server speaks 1"));
    EXPECT_THAT(reason(handler_file("missing_symbol")), HasSubstr("the symbol `fogbank_lambda_entry` is missing"));
    EXPECT_THAT(reason(handler_file("no_handler")), HasSubstr("has no handler"));
    EXPECT_THAT(reason(handler_file("short_entry")), HasSubstr("is 4 bytes long, 16 were expected"));
    EXPECT_THAT(reason(handler_file("unresolved")), HasSubstr("fogbank_tests_nobody_has_this"));
    const auto text = world.folder.path() / "text.so";
    std::ofstream(text) << "#!/bin/sh\n";
    EXPECT_THAT(reason(text), HasSubstr("not an ELF shared object"));
    std::string object = file_bytes(handler_file("echo"));
    const auto cut = world.folder.path() / "cut.so";
    std::ofstream(cut, std::ios::binary) << object.substr(0, object.size() / 2);
    EXPECT_THAT(reason(cut), HasSubstr("the file is cut short"));
    // Nothing is left half-installed, and the name is free.
    EXPECT_TRUE(testing::run(world.service().list_functions())->empty());
    EXPECT_FALSE(std::filesystem::exists(world.folder.path() / "code" / "f"));
    EXPECT_TRUE(world.create("f", "echo"));
}

TEST(FunctionService, ValidatesTheConfiguration) {
    World world;
    const auto code_of = [&](auto change) {
        auto request = World::request("f", handler_file("echo"));
        change(request);
        const auto refused = world.create(request);
        return refused ? boost::system::error_code() : refused.error().code;
    };
    EXPECT_EQ(code_of([](auto& r) { r.name = FunctionName("a b"); }), Errc::invalid_parameter);
    EXPECT_EQ(code_of([](auto& r) { r.name = FunctionName("../x"); }), Errc::invalid_parameter);
    EXPECT_EQ(code_of([](auto& r) { r.name = FunctionName(std::string(65, 'x')); }), Errc::invalid_parameter);
    EXPECT_EQ(code_of([](auto& r) { r.runtime = "cobol"; }), Errc::invalid_parameter);
    EXPECT_EQ(code_of([](auto& r) { r.environment = {{"AWS_REGION", "x"}}; }), Errc::invalid_parameter);
    EXPECT_EQ(code_of([](auto& r) { r.timeout_s = 0; }), Errc::invalid_parameter);
    EXPECT_EQ(code_of([](auto& r) { r.timeout_s = 901; }), Errc::invalid_parameter);
    EXPECT_EQ(code_of([](auto& r) { r.memory_mb = 127; }), Errc::invalid_parameter);
    EXPECT_EQ(code_of([](auto& r) { r.handler = std::string(129, 'h'); }), Errc::invalid_parameter);
    EXPECT_EQ(code_of([](auto& r) { r.environment = {{"1A", "x"}}; }), Errc::invalid_parameter);
    EXPECT_EQ(code_of([](auto& r) { r.environment = {{"AB", std::string(4096, 'x')}}; }), Errc::invalid_parameter);
    EXPECT_EQ(code_of([](auto& r) { r.code.zip = "also"; }), Errc::invalid_code);
    EXPECT_EQ(code_of([](auto& r) { r.code.file.clear(); }), Errc::invalid_code);
    EXPECT_EQ(code_of([](auto&) {}), boost::system::error_code());
}

TEST(FunctionService, CreatesFromAZip) {
    World world;
    auto request = World::request("zipped", {});
    request.code.zip = make_zip({{"readme.txt", "hello"}, {"handler.so", file_bytes(handler_file("echo"))}});
    const auto created = world.create(request);
    ASSERT_TRUE(created) << created.error().message;
    EXPECT_EQ(created->code_sha256, base64_encode(sha256(request.code.zip)));
    EXPECT_EQ(created->code_size_bytes, static_cast<std::int64_t>(request.code.zip.size()));
    EXPECT_EQ(world.invoke("zipped", "17")->payload, "17");
    world.stop();
    EXPECT_EQ(world.invoke("zipped", "18")->payload, "18");  // from its copy after a restart

    request.name = FunctionName("broken");
    request.code.zip = "PK but no zip";
    EXPECT_EQ(world.create(request).error().code, Errc::invalid_code);
    request.code.zip = make_zip({{"handler.so", file_bytes(handler_file("wrong_abi"))}});
    EXPECT_THAT(world.create(request).error().message, HasSubstr("built for handler ABI 7"));
    EXPECT_FALSE(std::filesystem::exists(world.folder.path() / "code" / "broken"));
}

TEST(FunctionService, ListsGetsAndDeletes) {
    World world;
    ASSERT_TRUE(world.create("b", "echo"));
    ASSERT_TRUE(world.create("a", "echo"));
    EXPECT_EQ(world.create("a", "echo").error().code, Errc::resource_conflict);
    const auto all = testing::run(world.service().list_functions());
    ASSERT_EQ(all->size(), 2U);
    EXPECT_EQ((*all)[0].name.str(), "a");
    EXPECT_EQ(testing::run(world.service().get_function(FunctionName("b")))->handler, "handler");
    EXPECT_TRUE(testing::run(world.service().delete_function(FunctionName("b"))));
    for (const auto& gone : {testing::run(world.service().get_function(FunctionName("b")))}) {
        ASSERT_FALSE(gone);
        EXPECT_EQ(gone.error().code, Errc::resource_not_found);
        EXPECT_EQ(gone.error().message, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:b");
    }
    EXPECT_EQ(world.invoke("b", "1").error().code, Errc::resource_not_found);
    EXPECT_EQ(world.invoke_async("b", "1").error().code, Errc::resource_not_found);
    EXPECT_EQ(testing::run(world.service().delete_function(FunctionName("b"))).error().code, Errc::resource_not_found);
    EXPECT_FALSE(std::filesystem::exists(world.folder.path() / "code" / "b"));
    EXPECT_EQ(world.invoke("a", "1")->payload, "1");
}

TEST(FunctionService, FunctionsSurviveARestart) {
    World world;
    auto request = World::request("f", handler_file("surroundings"));
    request.environment = {{"FOGBANK_IN_PROCESS", "1"}, {"TABLE", "T1"}};
    request.timeout_s = 42;
    const auto created = world.create(request);
    ASSERT_TRUE(created);
    world.stop();
    const auto again = testing::run(world.service().get_function(FunctionName("f")));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->revision_id, created->revision_id);
    EXPECT_EQ(again->timeout_s, 42);
    EXPECT_EQ(again->modified_at, created->modified_at);
    EXPECT_EQ(parse_json(world.invoke("f", "{}")->payload)->at("TABLE"), "T1");
}

/// Renames a copy of `object` over `target`, as a careful build does.
void replace(const std::filesystem::path& target, const std::filesystem::path& object) {
    const auto beside = target.string() + ".new";
    std::filesystem::copy_file(object, beside, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::rename(beside, target);
}

TEST(FunctionService, AReplacedFileRunsFromTheNextInvocation) {
    World world;
    const auto file = world.folder.path() / "mine.so";
    replace(file, handler_file("version_a"));
    const auto created = world.create(World::request("f", file));
    ASSERT_TRUE(created) << created.error().message;
    EXPECT_EQ(world.invoke("f", "1")->payload, "\"a\"");
    replace(file, handler_file("version_b"));
    EXPECT_EQ(world.invoke("f", "1")->payload, "\"b\"");
    const auto changed = testing::run(world.service().get_function(FunctionName("f")));
    EXPECT_NE(changed->revision_id, created->revision_id);
    EXPECT_EQ(changed->code_sha256, base64_encode(sha256(file_bytes(handler_file("version_b")))));
    replace(file, handler_file("version_a"));
    EXPECT_EQ(world.invoke("f", "1")->payload, "\"a\"");
}

TEST(FunctionService, AReplacementThatDoesNotLoadKeepsTheOldCode) {
    World world;
    const auto file = world.folder.path() / "mine.so";
    replace(file, handler_file("version_a"));
    ASSERT_TRUE(world.create(World::request("f", file)));
    replace(file, handler_file("wrong_abi"));
    EXPECT_EQ(world.invoke("f", "1")->payload, "\"a\"");
    // Written in place and cut short: the mapped copy is another file, so nothing breaks.
    std::filesystem::resize_file(file, 100);
    EXPECT_EQ(world.invoke("f", "1")->payload, "\"a\"");
    std::filesystem::remove(file);
    EXPECT_EQ(world.invoke("f", "1")->payload, "\"a\"");
    world.stop();
    EXPECT_EQ(world.invoke("f", "1")->payload, "\"a\"");  // the last copy, also after a restart
    replace(file, handler_file("version_b"));
    EXPECT_EQ(world.invoke("f", "1")->payload, "\"b\"");
}

TEST(FunctionService, ReplacingLosesNoInvocation) {
    World world;
    const auto file = world.folder.path() / "mine.so";
    replace(file, handler_file("version_a"));
    ASSERT_TRUE(world.create(World::request("f", file)));
    std::atomic<bool> done = false;
    std::thread replacing([&] {
        for (int i = 0; i < 40; ++i) replace(file, handler_file(i % 2 == 0 ? "version_b" : "version_a"));
        done = true;
    });
    int invocations = 0;
    while (!done || invocations < 50) {
        const auto result = world.invoke("f", "1");
        ASSERT_TRUE(result);
        ASSERT_EQ(result->function_error, "") << result->payload;
        ++invocations;
    }
    replacing.join();
    EXPECT_EQ(world.invoke("f", "1")->payload, "\"a\"");
}

TEST(FunctionService, CodeThatIsGoneAfterARestartIsAFunctionError) {
    World world;
    ASSERT_TRUE(world.create("f", "echo"));
    world.stop();
    std::filesystem::remove_all(world.folder.path() / "code");
    EXPECT_EQ(world.invoke("f", "1")->payload, "1");  // the origin is still there
    auto request = World::request("z", {});
    request.code.zip = make_zip({{"handler.so", file_bytes(handler_file("echo"))}});
    ASSERT_TRUE(world.create(request));
    world.stop();
    std::filesystem::remove_all(world.folder.path() / "code");
    const auto result = world.invoke("z", "1");
    ASSERT_TRUE(result);
    EXPECT_EQ(result->function_error, "Unhandled");
    EXPECT_THAT(result->payload, HasSubstr("Runtime.InvalidEntrypoint"));
}

TEST(FunctionService, TimeoutAnswersAtOnceAndTheThreadStaysBusy) {
    World world;
    world.threads = 1;
    auto request = World::request("f", handler_file("calls_back"));
    request.timeout_s = 10;
    ASSERT_TRUE(world.create(request));
    Gate gate;
    std::string refusal;
    Callback callback([&](std::size_t, Context& context) {
        gate.wait();
        try {
            context.put_item("T", "{\"id\":\"1\"}");
        } catch (const HostError& e) {
            refusal = e.what();
        }
        EXPECT_EQ(context.now_ms(), context.deadline_ms());
        context.log("too late");
        return 0;
    });
    std::thread time([&] {
        callback.wait_for_calls(1);
        world.clock.advance(10s);
    });
    const auto result = world.invoke("f", callback.event());
    time.join();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->function_error, "Unhandled");
    EXPECT_THAT(result->payload,
                MatchesRegex("\\{\"errorMessage\":\"2026-01-02T03:04:15.000Z [-0-9a-f]+ Task timed out after 10.00 seconds\"\\}"));
    EXPECT_THAT(result->log_tail, HasSubstr("Task timed out after 10.00 seconds\n"));
    EXPECT_THAT(world.metrics.text(), HasSubstr("fogbank_lambda_busy_threads 1\n"));
    EXPECT_THAT(world.metrics.text(), HasSubstr("fogbank_lambda_timeouts_total 1\n"));
    gate.open();
    callback.wait_for_returns(1);
    EXPECT_EQ(refusal, "ServiceException: Task timed out");
    EXPECT_TRUE(world.tables.puts().empty());
    Callback next([](std::size_t, Context&) { return 0; });
    EXPECT_EQ(world.invoke("f", next.event())->payload, "\"called\"");  // the thread is free again
}

TEST(FunctionService, ATimeoutInterruptsWhatTheHandlerWaitsFor) {
    World world;
    ASSERT_TRUE(world.create("h", "host_calls"));
    world.tables.hold();
    std::thread time([&] {
        world.tables.wait_for_put();
        world.clock.advance(3s);
    });
    const auto result = world.invoke("h", R"({"op":"put","table":"T","item":{"id":"1"}})");
    time.join();
    EXPECT_THAT(result->payload, HasSubstr("Task timed out after 3.00 seconds"));
    world.stop();
    world.tables.answer_held();  // nobody waits any more
}

TEST(FunctionService, RunsSideBySideAndRefusesWhatWaitsTooLong) {
    World world;
    world.threads = 2;
    auto request = World::request("f", handler_file("calls_back"));
    request.timeout_s = 900;
    ASSERT_TRUE(world.create(request));
    Gate gate;
    Callback callback([&](std::size_t, Context&) {
        gate.wait();
        return 0;
    });
    std::vector<std::thread> callers;
    std::atomic<int> called = 0;
    for (int i = 0; i < 2; ++i) {
        callers.emplace_back([&] {
            const auto slow = world.invoke("f", callback.event());
            if (slow && slow->payload == "\"called\"") ++called;
        });
    }
    callback.wait_for_calls(2);  // both at the same time
    EXPECT_EQ(world.service().backlog(), 2U);
    std::thread time([&] {
        World::until([&] { return world.service().backlog() == 3; });
        world.clock.advance(61s);
    });
    const auto refused = world.invoke("f", callback.event());
    time.join();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::too_many_requests);
    gate.open();
    for (auto& caller : callers) caller.join();
    EXPECT_EQ(called, 2);
    EXPECT_EQ(callback.calls(), 2U);
}

TEST(FunctionService, ManyCallersAtOnce) {
    World world;
    world.threads = 4;
    ASSERT_TRUE(world.create("echo", "echo"));
    std::vector<std::thread> callers;
    std::atomic<int> good = 0;
    for (int t = 0; t < 8; ++t) {
        callers.emplace_back([&, t] {
            for (int i = 0; i < 50; ++i) {
                const std::string event = std::to_string(t * 1000 + i);
                const auto result = world.invoke("echo", event);
                if (result && result->payload == event) ++good;
            }
        });
    }
    for (auto& caller : callers) caller.join();
    EXPECT_EQ(good, 400);
    World::until([&] { return world.service().backlog() == 0; });  // a thread is done a moment after its caller was told
}

TEST(FunctionService, StopAbandonsWhatDoesNotReturn) {
    World world;
    world.threads = 1;
    ASSERT_TRUE(world.create("f", "calls_back"));
    // Outlive the service: the handler's thread is left behind and uses them.
    static Gate gate;
    static Callback callback([](std::size_t, Context& context) {
        gate.wait();
        context.log("nobody hears this");
        EXPECT_EQ(context.now_ms(), context.deadline_ms());
        return 0;
    });
    std::optional<Result<InvocationResult>> running, waiting;
    std::thread first([&] { running = world.invoke("f", callback.event()); });
    callback.wait_for_calls(1);
    std::thread second([&] { waiting = world.invoke("f", callback.event()); });
    World::until([&] { return world.service().backlog() == 2; });
    world.service().stop(1ms);
    first.join();
    second.join();
    EXPECT_EQ(running->error().code, Errc::unavailable);
    EXPECT_EQ(waiting->error().code, Errc::unavailable);
    EXPECT_EQ(world.invoke("f", "1").error().code, Errc::unavailable);
    world.crash();
    gate.open();
    callback.wait_for_returns(1);
}

TEST(FunctionService, StopWaitsForHandlersWithinTheGrace) {
    World world;
    ASSERT_TRUE(world.create("f", "calls_back"));
    Gate gate;
    Callback callback([&](std::size_t, Context&) {
        gate.wait();
        return 0;
    });
    std::optional<Result<InvocationResult>> result;
    std::thread caller([&] { result = world.invoke("f", callback.event()); });
    callback.wait_for_calls(1);
    std::thread stopping([&] { world.service().stop(60s); });
    gate.open();
    stopping.join();
    caller.join();
    EXPECT_EQ((*result)->payload, "\"called\"");
}

}  // namespace
}  // namespace fogbank::lambda
