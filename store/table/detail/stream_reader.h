/// The Streams interface over the stream log.
#pragma once

#include "store/table/detail/stream_log.h"

namespace fogbank::store::table {

class StreamReader final : public Streams {
  public:
    StreamReader(kv::Engine& engine, const Clock& clock, ArnFactory arns, std::shared_ptr<StreamWatchers> watchers)
        : engine_(engine), clock_(clock), arns_(std::move(arns)), watchers_(std::move(watchers)) {}

    boost::asio::awaitable<Result<StreamSummaries>> list_streams(std::optional<TableName> table,
                                                                 std::optional<std::string> exclusive_start_arn,
                                                                 std::int64_t limit) override;
    boost::asio::awaitable<Result<StreamDescription>> describe_stream(std::string stream_arn) override;
    boost::asio::awaitable<Result<std::string>> get_shard_iterator(ShardIteratorRequest request) override;
    boost::asio::awaitable<Result<StreamRecords>> get_records(std::string iterator, std::int64_t limit) override;
    StreamWatch watch(std::string stream_arn, std::function<void()> on_records) override {
        return watchers_->watch(std::move(stream_arn), std::move(on_records));
    }

  private:
    boost::asio::awaitable<Result<StreamDescriptor>> find(std::string stream_arn);
    boost::asio::awaitable<Result<std::vector<StreamDescriptor>>> all();
    /// The sequence numbers that are kept: of the first record, and of the one that comes next.
    struct Bounds {
        std::uint64_t first = 1, next = 1;
    };
    boost::asio::awaitable<Result<Bounds>> bounds(std::uint64_t stream);
    std::string arn_of(const StreamDescriptor& stream) const { return arns_.table(stream.table) + "/stream/" + stream.label; }

    kv::Engine& engine_;
    const Clock& clock_;
    ArnFactory arns_;
    std::shared_ptr<StreamWatchers> watchers_;
};

}  // namespace fogbank::store::table
