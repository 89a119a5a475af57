/// A function service on a memory engine, with a clock that tests move and handlers that call back into the test.
#pragma once

#include <stdlib.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/random.h"
#include "fogbank/lambda.h"
#include "lambda/errc.h"
#include "lambda/function_service.h"
#include "lambda/invocation_policy.h"
#include "store/kv/memory_engine.h"
#include "store/table/errc.h"
#include "tests/support/fakes.h"

namespace fogbank::lambda {

using namespace std::chrono_literals;

/// Like testing::ManualClock, but other threads may look while a test moves it. Starts at 2026-01-02T03:04:05Z.
class SharedClock final : public Clock {
  public:
    WallTime now() const override { return WallTime(std::chrono::milliseconds(1'767'323'045'000 + passed_ms_.load())); }
    SteadyTime steady() const override { return SteadyTime(std::chrono::milliseconds(1'000'000 + passed_ms_.load())); }
    void advance(std::chrono::milliseconds by) { passed_ms_ += by.count(); }

  private:
    std::atomic<std::int64_t> passed_ms_{0};
};

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "fogbank-lambda-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

inline std::filesystem::path handler_file(const std::string& name) {
    return std::filesystem::path(FOGBANK_TEST_HANDLERS) / (name + ".so");
}

inline std::string file_bytes(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Puts wait until they are answered, if `hold` is set; gets answer what was put last. Nothing else is supported.
class FakeTables final : public store::table::TableService {
  public:
    using Item = store::table::Item;
    template <class T>
    using Answer = store::table::Awaitable<T>;

    void put_item(TableName table, Item item, store::kv::CommitHandler done) override {
        const std::lock_guard lock(mutex_);
        puts_.emplace_back(table.str(), item);
        put_.notify_all();
        if (hold_) {
            held_.push_back(std::move(done));
        } else if (table.str() == "Missing") {
            done(Error(store::table::Errc::resource_not_found, "Requested resource not found"));
        } else {
            done({});
        }
    }
    Answer<store::table::GetItemOutcome> get_item(store::table::GetItemRequest request) override {
        const std::lock_guard lock(mutex_);
        store::table::GetItemOutcome outcome;
        if (request.table.str() == "Missing") co_return Error(store::table::Errc::resource_not_found, "Requested resource not found");
        if (!puts_.empty()) outcome.item = puts_.back().second;
        co_return outcome;
    }

    void hold() {
        const std::lock_guard lock(mutex_);
        hold_ = true;
    }
    std::vector<std::pair<std::string, Item>> puts() {
        const std::lock_guard lock(mutex_);
        return puts_;
    }
    void wait_for_put() {
        std::unique_lock lock(mutex_);
        put_.wait(lock, [this] { return !puts_.empty(); });
    }
    void answer_held() {
        std::vector<store::kv::CommitHandler> held;
        {
            const std::lock_guard lock(mutex_);
            held.swap(held_);
        }
        for (auto& done : held) done({});
    }

    Answer<store::table::TableDescription> create_table(store::table::CreateTableRequest) override { co_return unsupported(); }
    Answer<store::table::TableDescription> describe_table(TableName) override { co_return unsupported(); }
    Answer<store::table::TableDescription> delete_table(TableName) override { co_return unsupported(); }
    Answer<store::table::TableNames> list_tables(std::optional<TableName>, std::int64_t) override { co_return unsupported(); }
    Answer<store::table::WriteOutcome> put_item(store::table::PutItemRequest) override { co_return unsupported(); }
    Answer<store::table::WriteOutcome> delete_item(store::table::DeleteItemRequest) override { co_return unsupported(); }
    Answer<store::table::ItemPage> query(store::table::QueryRequest) override { co_return unsupported(); }
    Answer<store::table::ItemPage> scan(store::table::ScanRequest) override { co_return unsupported(); }

  private:
    static Error unsupported() { return {store::table::Errc::validation, "not in this fake"}; }
    std::mutex mutex_;
    std::condition_variable put_;
    bool hold_ = false;
    std::vector<std::pair<std::string, Item>> puts_;
    std::vector<store::kv::CommitHandler> held_;
};

class FakePublisher final : public Publisher {
  public:
    void publish(MessagePtr message, Acknowledgement::Callback done) override {
        {
            const std::lock_guard lock(mutex_);
            messages_.push_back(message);
        }
        if (!done) return;
        if (message->topic_name() == "full") {
            done(Error(Errc::unavailable, "the store is full"));
        } else {
            done({});
        }
    }
    std::vector<MessagePtr> messages() {
        const std::lock_guard lock(mutex_);
        return messages_;
    }

  private:
    std::mutex mutex_;
    std::vector<MessagePtr> messages_;
};

/// What a `calls_back` handler calls. Tests wait for calls, never for time.
class Callback {
  public:
    /// Decides each call's result, on the handler's thread.
    explicit Callback(std::function<int(std::size_t call, Context& context)> body) : body_(std::move(body)) {}
    std::string event() {
        const auto function = reinterpret_cast<std::uintptr_t>(&Callback::called);
        return R"({"function":)" + std::to_string(function) + R"(,"argument":)" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) +
               "}";
    }
    std::size_t calls() {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    void wait_for_calls(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return calls_ >= count; });
    }
    void wait_for_returns(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return returns_ >= count; });
    }

  private:
    static int called(void* argument, Context* context) {
        auto& self = *static_cast<Callback*>(argument);
        std::size_t call = 0;
        {
            const std::lock_guard lock(self.mutex_);
            call = ++self.calls_;
            self.changed_.notify_all();
        }
        const int result = self.body_(call, *context);
        const std::lock_guard lock(self.mutex_);
        ++self.returns_;
        self.changed_.notify_all();
        return result;
    }
    std::function<int(std::size_t, Context&)> body_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t calls_ = 0, returns_ = 0;
};

/// Something that can be opened once and waited for.
class Gate {
  public:
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        opened_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        opened_.wait(lock, [this] { return open_; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable opened_;
    bool open_ = false;
};

/// Everything around a service, so that the service can be destroyed and opened again on the same store.
class World {
  public:
    explicit World(store::table::TableService* other_tables = nullptr) : tables_in_use(other_tables != nullptr ? other_tables : &tables) {
        policy.timer_tick = 1ms;
        policy.erase_delay = 0ms;
    }

    FunctionService& service() {
        if (!service_) open();
        return *service_;
    }
    void open() {
        FunctionService::Dependencies dependencies{*engine,
                                                   *tables_in_use,
                                                   publisher,
                                                   clock,
                                                   random,
                                                   metrics,
                                                   ArnFactory(AccountId("000000000000"), Region("us-east-1")),
                                                   folder.path() / "code",
                                                   threads,
                                                   threads,
                                                   FOGBANK_TEST_WORKER,
                                                   {},
                                                   streams};
        auto opened = testing::run(open_function_service(dependencies, policy));
        if (!opened) throw std::runtime_error(opened.error().message);
        service_ = std::move(*opened);
    }
    /// As kill -9 would: nothing is finished, nothing written.
    void crash() { service_.reset(); }
    void stop() {
        service_->stop(10s);
        service_.reset();
    }

    static CreateFunctionRequest request(const std::string& name, const std::filesystem::path& file) {
        CreateFunctionRequest out;
        out.name = FunctionName(name);
        out.runtime = cpp_runtime;
        out.role = "arn:aws:iam::000000000000:role/lambda";
        out.handler = "handler";
        out.code.file = file;
        // Most tests look into the handler, or let it look into the test.
        out.environment["FOGBANK_IN_PROCESS"] = "1";
        return out;
    }
    /// The default: in a worker process.
    static CreateFunctionRequest in_worker(const std::string& name, const std::string& handler) {
        auto out = request(name, handler_file(handler));
        out.environment.clear();
        return out;
    }
    Result<FunctionConfiguration> create(CreateFunctionRequest wanted) {
        return testing::run(service().create_function(std::move(wanted)));
    }
    Result<FunctionConfiguration> create(const std::string& name, const std::string& handler) {
        return create(request(name, handler_file(handler)));
    }
    Result<InvocationResult> invoke(const std::string& name, std::string event) {
        return testing::run(service().invoke(FunctionName(name), std::move(event)));
    }
    /// Waits for the acceptance.
    Result<void> invoke_async(const std::string& name, std::string event) {
        std::mutex mutex;
        std::condition_variable told;
        std::optional<Result<void>> answer;
        service().invoke_async(FunctionName(name), std::move(event), [&](Result<void> result) {
            const std::lock_guard lock(mutex);
            answer = std::move(result);
            told.notify_all();
        });
        std::unique_lock lock(mutex);
        told.wait(lock, [&] { return answer.has_value(); });
        return *answer;
    }
    /// Keys of queued events in the store.
    std::size_t queued() {
        store::kv::ScanOptions options;
        options.range = {"fnq", "fnr"};
        options.items_max = 1'000'000;
        options.bytes_max = std::size_t{1} << 30;
        return testing::run(engine->scan(options))->items.size();
    }
    /// Looks again until it holds; the test's own time limit ends it otherwise.
    template <class Condition>
    static void until(Condition condition) {
        while (!condition()) std::this_thread::yield();
    }

    TemporaryFolder folder;
    std::unique_ptr<store::kv::Engine> engine = store::kv::make_memory_engine();
    FakeTables tables;
    store::table::TableService* tables_in_use;
    store::table::Streams* streams = nullptr;
    FakePublisher publisher;
    SharedClock clock;
    SystemRandom random;
    Metrics metrics;
    InvocationPolicy policy;
    std::size_t threads = 2;

  private:
    std::unique_ptr<FunctionService> service_;
};

}  // namespace fogbank::lambda
