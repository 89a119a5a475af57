// Question: what does it cost to invoke a function that does nothing? Goals (issue 6): inside the server below 5 µs, in a worker process
// below 50 µs at p50 when warm, at least 30,000 invocations/s on 2 cores. Rivals, in the same program: the handler's own call, and one
// round trip of a byte over a socket pair to a process that sends it back.
//
//     lambda_bench HANDLER.so FOGBANK     an example handler that echoes, and the program whose lambda-worker mode is used
//
// `overhead` is the time of one caller after the other: the caller is a coroutine on a shard, so two changes of threads are in it. `rate`
// is with 64 callers at once on two function threads.

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <stdexcept>
#include <vector>

#include "common/clock.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/shard.h"
#include "lambda/function_service.h"
#include "store/kv/memory_engine.h"
#include "store/table/table_api.h"

namespace {

namespace asio = boost::asio;
using namespace fogbank;
using SteadyClock = std::chrono::steady_clock;

class NoPublisher final : public Publisher {
  public:
    void publish(MessagePtr, Acknowledgement::Callback done) override {
        if (done) done({});
    }
};

template <class T>
T run(asio::io_context& io, asio::awaitable<T> task) {
    return asio::co_spawn(io, std::move(task), asio::use_future).get();
}

double microseconds(SteadyClock::duration time) {
    return std::chrono::duration<double, std::micro>(time).count();
}

double median(std::vector<double> values, double at = 0.5) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * at)];
}

/// A byte to a child and back.
double socket_pair_round_trip() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) throw std::runtime_error("socketpair");
    const pid_t child = ::fork();
    char byte = 0;
    if (child == 0) {
        ::close(ends[0]);
        while (::recv(ends[1], &byte, 1, 0) == 1) ::send(ends[1], &byte, 1, MSG_NOSIGNAL);
        ::_exit(0);
    }
    ::close(ends[1]);
    std::vector<double> times;
    for (int i = 0; i < 20'000; ++i) {
        const auto begin = SteadyClock::now();
        ::send(ends[0], &byte, 1, MSG_NOSIGNAL);
        ::recv(ends[0], &byte, 1, 0);
        times.push_back(microseconds(SteadyClock::now() - begin));
    }
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    return median(times);
}

asio::awaitable<void> call_many(lambda::FunctionService& service, FunctionName name, std::size_t count, std::vector<double>& times) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto begin = SteadyClock::now();
        const auto result = co_await service.invoke(name, "{\"pressure\": 4.2}");
        times.push_back(microseconds(SteadyClock::now() - begin));
        if (!result || !result->function_error.empty()) throw std::runtime_error(result ? result->payload : result.error().message);
    }
}

void measure(asio::io_context& io, lambda::FunctionService& service, const char* what, const std::string& name) {
    constexpr std::size_t single = 20'000, callers = 64, each = 1'500;
    std::vector<double> warm_up;
    std::vector<double> times;
    asio::co_spawn(io, call_many(service, FunctionName(name), 500, warm_up), asio::use_future).get();
    asio::co_spawn(io, call_many(service, FunctionName(name), single, times), asio::use_future).get();
    std::printf("%-16s overhead p50 %7.1f us  p99 %7.1f us", what, median(times), median(times, 0.99));
    std::vector<std::vector<double>> all(callers);
    std::vector<std::future<void>> done;
    const auto begin = SteadyClock::now();
    for (auto& some : all) done.push_back(asio::co_spawn(io, call_many(service, FunctionName(name), each, some), asio::use_future));
    for (auto& one : done) one.get();
    const double seconds = microseconds(SteadyClock::now() - begin) / 1e6;
    std::printf("   rate %8.0f /s\n", static_cast<double>(callers * each) / seconds);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: lambda_bench HANDLER.so FOGBANK\n");
        return 2;
    }
    char folder[] = "lambda-bench-XXXXXX";
    if (::mkdtemp(folder) == nullptr) return 1;
    std::printf("%-16s round trip p50 %5.1f us\n", "socket pair", socket_pair_round_trip());
    {
        ShardPool shards(1);
        shards.start();
        asio::io_context& io = shards[0].io();
        const SystemClock clock;
        SystemRandom random;
        Metrics metrics;
        NoPublisher publisher;
        const ArnFactory arns(AccountId("000000000000"), Region("us-east-1"));
        const auto engine = store::kv::make_memory_engine();
        const Quotas quotas(QuotaProfile::relaxed);
        auto tables = run(io, store::table::open_table_service({*engine, clock, random, arns, quotas}));
        lambda::FunctionService::Dependencies dependencies{*engine, **tables, publisher, clock,           random, metrics,
                                                           arns,    folder,   2,         std::size_t{16}, argv[2]};
        auto service = run(io, lambda::open_function_service(std::move(dependencies)));
        for (const bool inside : {true, false}) {
            lambda::CreateFunctionRequest request;
            request.name = FunctionName(inside ? "inside" : "worker");
            request.runtime = lambda::cpp_runtime;
            request.role = "r";
            request.handler = "h";
            request.code.file = std::filesystem::absolute(argv[1]);
            if (inside) request.environment["FOGBANK_IN_PROCESS"] = "1";
            const auto made = run(io, (*service)->create_function(request));
            if (!made) throw std::runtime_error(made.error().message);
        }
        measure(io, **service, "in the server", "inside");
        measure(io, **service, "worker process", "worker");
        (*service)->stop(std::chrono::seconds(5));
        shards.stop();
    }
    std::filesystem::remove_all(folder);
    return 0;
}
