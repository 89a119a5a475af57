#include "store/kv/sqlite_engine.h"

#include "store/kv/detail/sqlite_reader_pool.h"
#include "store/kv/detail/sqlite_schema.h"
#include "store/kv/detail/sqlite_writer.h"

namespace fogbank::store::kv {
namespace {

namespace asio = boost::asio;
using detail::TableReads;

/// Reads go to the pool on the calling thread, writes to the writer's queue.
class SqliteEngine final : public Engine {
  public:
    SqliteEngine(std::unique_ptr<detail::ReaderPool> readers, std::unique_ptr<detail::Writer> writer)
        : readers_(std::move(readers)), writer_(std::move(writer)) {}
    ~SqliteEngine() override { SqliteEngine::stop(); }

    asio::awaitable<Result<std::optional<std::string>>> get(std::string key) override {
        co_return readers_->read([&](const TableReads& reads) { return reads.get(key); });
    }

    asio::awaitable<Result<std::vector<std::optional<std::string>>>> multi_get(std::vector<std::string> keys) override {
        co_return readers_->read([&](const TableReads& reads) { return reads.multi_get(keys); });
    }

    asio::awaitable<Result<Page>> scan(ScanOptions options) override {
        co_return readers_->read([&](const TableReads& reads) { return reads.scan(options); });
    }

    void commit(Batch batch, CommitHandler done) override {
        writer_->submit(detail::Submission{std::move(batch), nullptr, std::move(done)});
    }

    void transact(TransactionBody body, CommitHandler done) override {
        writer_->submit(detail::Submission{Batch(), std::move(body), std::move(done)});
    }

    void stop() override {
        writer_->stop();
        readers_->stop();
        writer_->close();
    }

  private:
    std::unique_ptr<detail::ReaderPool> readers_;
    std::unique_ptr<detail::Writer> writer_;
};

}  // namespace

Result<std::unique_ptr<Engine>> open_sqlite_engine(const SqliteOptions& options) {
    auto connection = detail::open_for_writing(options.file, options.durability);
    if (!connection) return connection.error();
    if (options.check_time_max.count() > 0) {
        if (auto checked = detail::check_pages(*connection, options.check_time_max); !checked) return checked.error();
    }
    auto readers = std::make_unique<detail::ReaderPool>(options.file);
    auto writer = detail::Writer::start(std::move(*connection), *readers, options);
    if (!writer) return writer.error();
    return std::unique_ptr<Engine>(std::make_unique<SqliteEngine>(std::move(readers), std::move(*writer)));
}

}  // namespace fogbank::store::kv
