#include <librdkafka/rdkafka.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "common/encoding.h"
#include "common/json.h"
#include "rules/actions/kafka.h"
#include "rules/errc.h"

namespace fogbank::rules {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

/// One record's wait for its delivery report, which comes on a producer's thread.
struct Delivery {
    explicit Delivery(asio::any_io_executor executor) : timer(std::move(executor), asio::steady_timer::time_point::max()) {}
    asio::steady_timer timer;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
};
using DeliveryPtr = std::shared_ptr<Delivery>;

/// Frees `opaque`, which holds one reference to the delivery.
void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
    const std::unique_ptr<DeliveryPtr> owned(static_cast<DeliveryPtr*>(message->_private));
    const rd_kafka_resp_err_t error = message->err;
    asio::post((*owned)->timer.get_executor(), [delivery = *owned, error] {
        delivery->error = error;
        delivery->timer.cancel();
    });
}

Error failed(rd_kafka_resp_err_t error) {
    // What a broker says about the record itself does not get better with time.
    const bool for_good = error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                          error == RD_KAFKA_RESP_ERR_INVALID_MSG || error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
                          error == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
    return {for_good ? Errc::evaluation : Errc::unavailable, rd_kafka_err2str(error)};
}

class Producer {
  public:
    static Result<std::shared_ptr<Producer>> make(const json& properties) {
        rd_kafka_conf_t* configuration = rd_kafka_conf_new();
        char text[512];
        for (const auto& [name, value] : properties.items()) {
            if (rd_kafka_conf_set(configuration, name.c_str(), value.get_ref<const std::string&>().c_str(), text, sizeof text) ==
                RD_KAFKA_CONF_OK)
                continue;
            rd_kafka_conf_destroy(configuration);
            return Error(Errc::evaluation, std::string("client property `") + name + "`: " + text);
        }
        rd_kafka_conf_set_dr_msg_cb(configuration, on_delivery);
        rd_kafka_t* handle = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, text, sizeof text);
        if (handle == nullptr) {
            rd_kafka_conf_destroy(configuration);
            return Error(Errc::evaluation, std::string("the Kafka client cannot be made: ") + text);
        }
        return std::make_shared<Producer>(handle);
    }

    explicit Producer(rd_kafka_t* handle) : handle_(handle), thread_([this] { poll(); }) {}
    ~Producer() {
        stopped_ = true;
        thread_.join();
        rd_kafka_purge(handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_poll(handle_, 0);
        rd_kafka_destroy(handle_);
    }
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;

    /// The delivery report comes later, unless this answers an error.
    rd_kafka_resp_err_t produce(const json& record, const DeliveryPtr& delivery) {
        const std::string topic = json_string(record, "topic");
        const std::string key = base64_decode(json_string(record, "key")).value_or("");
        std::string value = base64_decode(json_string(record, "value")).value_or("");
        rd_kafka_headers_t* headers = rd_kafka_headers_new(8);
        for (const json& header : record.value("headers", json::array())) {
            const std::string text = json_string(header, "value");
            rd_kafka_header_add(headers, json_string(header, "key").c_str(), -1, text.data(), static_cast<ssize_t>(text.size()));
        }
        auto opaque = std::make_unique<DeliveryPtr>(delivery);
        const bool has_key = record.contains("key");
        const auto error = rd_kafka_producev(handle_, RD_KAFKA_V_TOPIC(topic.c_str()),
                                             RD_KAFKA_V_PARTITION(record.value("partition", RD_KAFKA_PARTITION_UA)),
                                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(value.data(), value.size()),
                                             RD_KAFKA_V_KEY(has_key ? key.data() : nullptr, has_key ? key.size() : 0),
                                             RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque.get()), RD_KAFKA_V_END);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            opaque.release();  // on_delivery owns it now
        } else {
            rd_kafka_headers_destroy(headers);
        }
        return error;
    }

  private:
    void poll() {
        constexpr int patience_ms = 50;
        while (!stopped_) rd_kafka_poll(handle_, patience_ms);
    }

    rd_kafka_t* handle_;
    std::atomic<bool> stopped_{false};
    std::thread thread_;
};

class Sender final : public KafkaSender {
  public:
    explicit Sender(std::filesystem::path ca_file) : ca_file_(std::move(ca_file)) {}

    asio::awaitable<Result<void>> send(std::string kafka_json) override {
        const json record = json::parse(kafka_json, nullptr, false);
        if (!record.is_object() || !record.contains("properties")) co_return Error(Errc::evaluation, "the record cannot be read");
        auto producer = find(record["properties"]);
        if (!producer) co_return producer.error();
        const auto executor = co_await asio::this_coro::executor;
        const auto delivery = std::make_shared<Delivery>(executor);
        if (const auto error = (*producer)->produce(record, delivery); error != RD_KAFKA_RESP_ERR_NO_ERROR) co_return failed(error);
        delivery->timer.expires_after(std::chrono::milliseconds(kafka_record_time_ms + 5000));
        boost::system::error_code ignored;
        co_await delivery->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        if (delivery->error != RD_KAFKA_RESP_ERR_NO_ERROR) co_return failed(delivery->error);
        co_return Result<void>();
    }

  private:
    Result<std::shared_ptr<Producer>> find(json properties) {
        properties["message.timeout.ms"] = std::to_string(kafka_record_time_ms);
        if (!ca_file_.empty() && properties.value("security.protocol", "").find("ssl") != std::string::npos)
            properties["ssl.ca.location"] = ca_file_.string();
        const std::string key = properties.dump();
        const std::lock_guard lock(mutex_);
        for (auto at = producers_.begin(); at != producers_.end(); ++at) {
            if (at->first != key) continue;
            producers_.splice(producers_.begin(), producers_, at);
            return producers_.front().second;
        }
        auto made = Producer::make(properties);
        if (!made) return made.error();
        producers_.emplace_front(key, *made);
        if (producers_.size() > kafka_producers_max) producers_.pop_back();
        return made;
    }

    const std::filesystem::path ca_file_;
    std::mutex mutex_;
    std::list<std::pair<std::string, std::shared_ptr<Producer>>> producers_;  ///< the one used last is the first
};

}  // namespace

std::unique_ptr<KafkaSender> make_kafka_sender(std::filesystem::path ca_file) {
    return std::make_unique<Sender>(std::move(ca_file));
}

}  // namespace fogbank::rules
