/// TableFiles over the engine: the requests are answered by whoever asks, the work is done by one thread of this class, because files
/// block.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "store/table/detail/bucket_files.h"
#include "store/table/detail/catalog.h"
#include "store/table/detail/transfer_record.h"

namespace fogbank::store::table {

/// Ended by `stop` or the destructor, which wait for the piece of work under way; what is not finished then is begun anew by the next
/// `start`.
class Transfers final : public TableFiles {
  public:
    struct Environment {
        kv::Engine& engine;
        const Clock& clock;
        RandomSource& random;
        ArnFactory arns;
        std::shared_ptr<Catalog> catalog;
        std::size_t item_bytes_max = 0;
        Buckets buckets;
    };
    explicit Transfers(Environment environment) : environment_(std::move(environment)) {}
    ~Transfers() override { stop(); }
    Transfers(const Transfers&) = delete;
    Transfers& operator=(const Transfers&) = delete;

    /// Starts the thread and goes on with what an earlier run has not finished.
    Awaitable<void> start();
    void stop();

    Awaitable<ExportDescription> export_table(ExportRequest request) override;
    Awaitable<ExportDescription> describe_export(std::string arn) override;
    Awaitable<ExportList> list_exports(TransferFilter filter) override;
    Awaitable<ImportDescription> import_table(ImportRequest request) override;
    Awaitable<ImportDescription> describe_import(std::string arn) override;
    Awaitable<ImportList> list_imports(TransferFilter filter) override;

  private:
    void begin(ExportRecord record);
    void begin(ImportRecord record);

    Environment environment_;
    boost::asio::io_context io_{1};
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
    std::thread thread_;
    std::atomic<bool> stopping_{false};
};

/// The work itself; runs on the thread's loop. An error `stopped` (kv) leaves it to the next start, everything else is in the record.
boost::asio::awaitable<void> run_export(const Transfers::Environment& environment, const std::atomic<bool>& stopping, ExportRecord record);
boost::asio::awaitable<void> run_import(const Transfers::Environment& environment, const std::atomic<bool>& stopping, ImportRecord record);

}  // namespace fogbank::store::table
