// Handlers in worker processes: what they do there harms nobody, and the caller is told in AWS's words.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "lambda/detail/sanitized.h"
#include "lambda/runtime_http.h"
#include "lambda/worker_protocol.h"
#include "tests/lambda/support.h"

namespace fogbank::lambda {
namespace {

using ::testing::HasSubstr;

class Worker : public ::testing::Test {
  protected:
    void create(std::int64_t memory_mb = 128) {
        auto request = World::in_worker("f", "misbehaves");
        request.memory_mb = memory_mb;
        request.environment = {{"GREETING", "hello"}};
        const auto created = world.create(std::move(request));
        ASSERT_TRUE(created) << created.error().message;
    }
    InvocationResult call(const std::string& what) {
        auto result = world.invoke("f", R"({"do":")" + what + "\"}");
        EXPECT_TRUE(result) << result.error().message;
        return result ? *result : InvocationResult();
    }
    World world;
};

TEST_F(Worker, IsKeptWarm) {
    create();
    EXPECT_EQ(call("count").payload, "1");
    EXPECT_EQ(call("count").payload, "2");
    EXPECT_EQ(call("environment").payload, "\"hello\"");
    EXPECT_THAT(call("print").log_tail, HasSubstr("\nprinted\nEND "));
}

TEST_F(Worker, CrashesAreFunctionErrorsAndAFreshWorkerFollows) {
    if (sanitized) GTEST_SKIP() << "a sanitizer reports a crash and exits in its own way";
    create();
    for (const auto& [what, ending] :
         {std::pair("segfault", "signal: segmentation fault"), {"abort", "signal: aborted"}, {"exit", "exit status 7"}}) {
        EXPECT_EQ(call("count").payload, "1");
        const auto result = call(what);
        EXPECT_EQ(result.function_error, "Unhandled");
        EXPECT_THAT(result.payload, HasSubstr(R"("errorType":"Runtime.ExitError")"));
        EXPECT_THAT(result.payload, HasSubstr(std::string("Error: Runtime exited with error: ") + ending));
        EXPECT_THAT(result.log_tail, HasSubstr(ending));
    }
    EXPECT_EQ(call("count").payload, "1");
}

TEST_F(Worker, ExceptionsKeepTheWorker) {
    create();
    const auto result = call("throw");
    EXPECT_EQ(result.payload, R"({"errorType":"std::range_error","errorMessage":"asked to"})");
    EXPECT_EQ(call("count").payload, "2");
}

TEST_F(Worker, LeaksEndTheWorkerNotTheServer) {
    if (sanitized) GTEST_SKIP() << "a sanitizer's memory has no limit";
    create();
    bool refused = false;
    for (int i = 0; i < 8; ++i) {
        const auto result = call("leak");
        if (result.function_error.empty()) continue;
        refused = true;
        EXPECT_THAT(result.payload, ::testing::AnyOf(HasSubstr("bad_alloc"), HasSubstr("Runtime.ExitError")));
    }
    // Either the limit was met, or the worker was replaced before it.
    EXPECT_TRUE(refused || call("count").payload != "9");
    EXPECT_EQ(call("count").function_error, "");
}

TEST_F(Worker, IsKilledWhenItsTimeIsUp) {
    create();
    auto result = std::async(std::launch::async, [this] { return call("hang"); });
    while (result.wait_for(0s) != std::future_status::ready) {
        world.clock.advance(100ms);
        std::this_thread::yield();
    }
    const auto hung = result.get();
    EXPECT_EQ(hung.function_error, "Unhandled");
    EXPECT_THAT(hung.payload, HasSubstr("Task timed out after 3.00 seconds"));
    EXPECT_EQ(call("count").payload, "1");
}

TEST_F(Worker, RunsAsynchronousEvents) {
    create();
    ASSERT_TRUE(world.invoke_async("f", R"({"do":"count"})"));
    world.service().start({});
    World::until([this] { return world.queued() == 0; });
    EXPECT_EQ(call("count").payload, "2");
}

TEST_F(Worker, ReachesTheHost) {
    ASSERT_TRUE(world.create(World::in_worker("f", "echo")));
    EXPECT_EQ(world.invoke("f", "[1]")->payload, "[1]");
    EXPECT_THAT(world.invoke("f", "[1]")->log_tail, HasSubstr("echo of 3 bytes"));
    const std::string large = '"' + std::string(5'000'000, 'x') + '"';
    EXPECT_EQ(world.invoke("f", large)->payload, large);
}

TEST_F(Worker, RefusesCodeThatDoesNotFitWithAReason) {
    for (const auto& [handler, reason] : {std::pair("missing_symbol", "the symbol `fogbank_lambda_entry` is missing"),
                                          {"wrong_abi", "built for handler ABI"},
                                          {"unresolved", "cannot be loaded: "},
                                          {"dies_while_loading", "its process ended (signal: aborted)"}}) {
        const auto created = world.create(World::in_worker("f", handler));
        ASSERT_FALSE(created) << handler;
        EXPECT_EQ(created.error().code, Errc::invalid_code);
        EXPECT_THAT(created.error().message, HasSubstr(reason));
        EXPECT_FALSE(std::filesystem::exists(world.folder.path() / "code" / "f")) << "nothing is left half-installed";
    }
}

TEST_F(Worker, AnUpdateTakesEffectAtOnce) {
    ASSERT_TRUE(world.create(World::in_worker("f", "version_a")));
    EXPECT_EQ(world.invoke("f", "{}")->payload, "\"a\"");
    UpdateFunctionRequest update;
    update.name = FunctionName("f");
    update.code = FunctionCode{{}, handler_file("version_b")};
    const auto updated = testing::run(world.service().update_function(std::move(update)));
    ASSERT_TRUE(updated) << updated.error().message;
    EXPECT_EQ(world.invoke("f", "{}")->payload, "\"b\"");
    world.crash();
    EXPECT_EQ(world.invoke("f", "{}")->payload, "\"b\"");
}

TEST(WorkerProtocol, FramesComeBackAsTheyWere) {
    std::string bytes;
    append_frame(bytes, FrameKind::call, {3, 1}, {"a", "", std::string(70'000, 'x')});
    EXPECT_EQ(frame_size(bytes), bytes.size());
    const auto frame = decode_frame(bytes);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->numbers, (std::vector<std::uint64_t>{3, 1}));
    EXPECT_EQ(frame->texts[2].size(), 70'000U);
    for (std::size_t size = 0; size < 64; ++size) EXPECT_FALSE(decode_frame(std::string_view(bytes).substr(0, size))) << size;
    bytes[4] = 99;
    EXPECT_FALSE(decode_frame(bytes));
}

TEST(RuntimeHttp, RequestsAreTheSameHoweverTheyAreSplit) {
    const std::string bytes =
        "GET /2018-06-01/runtime/invocation/next?x=1 HTTP/1.1\r\nHost: a\r\n\r\n"
        "POST /a HTTP/1.1\r\nContent-Length: 3\r\nLambda-Runtime-Function-Error-Type: Mine \r\n\r\nabc"
        "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1;x=y\r\nf\r\n0\r\nT: u\r\n\r\n"
        "POST /c HTTP/1.0\r\nContent-Length: 0\r\n\r\n";
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        RuntimeRequestParser parser(16);
        std::string seen;
        for (std::size_t at = 0; at < bytes.size(); at += step) {
            parser.add(std::string_view(bytes).substr(at, step));
            while (const auto request = parser.next()) {
                seen += request->method + " " + request->path + " " + request->error_type + " " + request->body +
                        (request->keep_alive ? "" : " close") + "\n";
            }
        }
        EXPECT_EQ(seen, "GET /2018-06-01/runtime/invocation/next  \nPOST /a Mine abc\nPOST /b  def\nPOST /c   close\n") << step;
    }
}

TEST(RuntimeHttp, RefusesWhatIsNoRequest) {
    for (const char* bytes :
         {"GET\r\n", "GET x HTTP/1.1\r\n", "GET / HTTP/2\r\n", "GET / HTTP/1.1\r\nno colon\r\n",
          "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
          "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
          "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"}) {
        RuntimeRequestParser parser(16);
        parser.add(bytes);
        EXPECT_FALSE(parser.next());
        EXPECT_TRUE(parser.malformed()) << bytes;
    }
    RuntimeRequestParser parser(4);
    parser.add("POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nabcdefGET / HTTP/1.1\r\n\r\n");
    const auto large = parser.next();
    ASSERT_TRUE(large);
    EXPECT_TRUE(large->body_too_large);
    EXPECT_EQ(large->body, "abcd");
    EXPECT_TRUE(parser.next());
}

}  // namespace
}  // namespace fogbank::lambda
