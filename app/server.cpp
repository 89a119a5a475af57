#include "app/server.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "api/aws_errors.h"
#include "api/upgrade_authenticator.h"
#include "app/data_folder.h"
#include "app/http_handover.h"
#include "app/local_names.h"
#include "app/run_blocking.h"
#include "common/activity_feed.h"
#include "common/common_errc.h"
#include "common/logging.h"
#include "jobs/job_service.h"
#include "logs/log_store.h"
#include "registry/certificate_authority.h"
#include "registry/custom_authorizers.h"
#include "registry/fleet_index.h"
#include "registry/logging_options.h"
#include "registry/provisioning_service.h"
#include "registry/registry.h"
#include "rules/rule_service.h"
#include "shadow/shadow_service.h"
#include "store/kv/sqlite_engine.h"
#include "store/table/table_api.h"

namespace fogbank::app {
namespace {

std::size_t shard_count(const Settings& settings) {
    if (settings.shards != 0) return settings.shards;
    return std::max(1U, std::thread::hardware_concurrency());
}

std::string url(const char* scheme, const std::string& bind, std::int32_t port) {
    const bool any = bind == "0.0.0.0" || bind == "::";
    const std::string host = any ? "127.0.0.1" : bind.find(':') != std::string::npos ? "[" + bind + "]" : bind;
    return std::string(scheme) + "://" + host + ":" + std::to_string(port);
}

std::string endpoints_json(const Settings& settings, const Endpoints& endpoints) {
    const nlohmann::json json{{"pid", ::getpid()},
                              {"bind", endpoints.bind},
                              {"mqtts_port", endpoints.mqtt.mqtts},
                              {"alpn_port", endpoints.mqtt.alpn},
                              {"https_port", endpoints.api.https},
                              {"api_port", endpoints.api.api},
                              {"mqtt_port", endpoints.mqtt.mqtt},
                              {"api_url", url("http", endpoints.bind, endpoints.api.api)},
                              {"api_tls_url", url("https", endpoints.bind, endpoints.api.api)},
                              {"ca_file", endpoints.ca_file},
                              {"account_id", settings.account.str()},
                              {"region", settings.region.str()},
                              {"endpoint_name", endpoints.endpoint_name},
                              {"access_key_id", endpoints.root_key.access_key_id},
                              {"secret_access_key", endpoints.root_key.secret_access_key}};
    return json.dump(2) + "\n";
}

/// Expired items, old stream records: a step a second until the shard stops. Needs the tables until then; between the engine's stop and the
/// shard's its calls are refused, which is as good as their not being made.
boost::asio::awaitable<void> keep_tables(store::table::TableApi* tables) {
    constexpr std::chrono::seconds pause{1};
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    bool failing = false;
    for (;;) {
        timer.expires_after(pause);
        co_await timer.async_wait(boost::asio::use_awaitable);
        const auto done = co_await tables->maintain();
        if (!done && !failing) logger("store").warn("tables are not kept why={}", log_value(done.error().message));
        failing = !done;
    }
}

}  // namespace

/// In the order of construction; destroyed in the reverse order.
struct Server::Rooms {
    Rooms(const Settings& given, DataFolderLock taken)
        : settings(given),
          lock(std::move(taken)),
          shards(shard_count(given)),
          arns(given.account, given.region),
          quotas(given.quota_profile) {}

    Settings settings;
    DataFolderLock lock;
    SystemClock clock;
    SystemRandom random;
    Metrics metrics;
    ActivityFeed activity;
    ShardPool shards;
    boost::asio::io_context startup{1};  ///< runs what must be done before the shards do
    ArnFactory arns;
    Quotas quotas;
    std::unique_ptr<store::kv::Engine> engine;
    std::unique_ptr<registry::CertificateAuthority> authority;
    std::unique_ptr<registry::Iam> iam;
    std::unique_ptr<registry::DeviceAccess> access;
    std::unique_ptr<registry::Registry> registry;
    std::unique_ptr<store::table::TableApi> tables;
    std::unique_ptr<broker::Router> router;
    std::unique_ptr<logs::LogStore> logs;
    std::unique_ptr<shadow::ShadowService> shadows;
    std::unique_ptr<jobs::JobService> jobs;
    std::unique_ptr<lambda::FunctionService> functions;
    std::unique_ptr<rules::RuleService> rules;
    std::unique_ptr<UpgradeAuthenticator> upgrades;
    HttpHandover handover;
    std::unique_ptr<broker::Broker> broker;
    std::unique_ptr<registry::ProvisioningService> provisioning;
    std::unique_ptr<CustomAuthenticator> custom_authenticator;
    std::unique_ptr<api::ApiServer> api;
    Endpoints endpoints;
    bool stopped = false;

    Result<void> open_store();
    Result<void> open_identity();
    Result<void> open_services();
    Result<void> open_doors(const Doors& doors);
    void start_functions();
    void stop(std::chrono::milliseconds grace);
};

Result<void> Server::Rooms::open_store() {
    store::kv::SqliteOptions options;
    options.file = settings.data / "fogbank.db";
    options.durability = settings.durability;
    options.check_time_max = std::chrono::seconds(1);  // some gigabytes from a warm disk cache
    options.metrics = &metrics;
    auto opened = store::kv::open_sqlite_engine(options);
    if (!opened) return opened.error();
    engine = std::move(*opened);
    return {};
}

Result<void> Server::Rooms::open_identity() {
    auto opened_authority = registry::CertificateAuthority::open(settings.data, clock, random);
    if (!opened_authority) return opened_authority.error();
    authority = std::move(*opened_authority);

    auto opened_iam = run_blocking(startup, registry::Iam::open(*engine, clock, random, arns));
    if (!opened_iam) return opened_iam.error();
    iam = std::move(*opened_iam);

    auto opened_access = run_blocking(startup, registry::DeviceAccess::open(*engine));
    if (!opened_access) return opened_access.error();
    access = std::move(*opened_access);

    auto opened_registry = run_blocking(
        startup, registry::open_registry({*engine, clock, random, arns, quotas, *authority, iam.get(), &activity, access.get()}));
    if (!opened_registry) return opened_registry.error();
    registry = std::move(*opened_registry);
    // What SetV2LoggingOptions set holds until it is changed.
    const auto logging = run_blocking(startup, registry->logging().logging_options());
    if (logging && (logging->disable_all || !logging->default_level.empty())) configure_logging(registry::server_log_level(*logging));
    return {};
}

Result<void> Server::Rooms::open_services() {
    auto opened_tables =
        run_blocking(startup, store::table::open_table_service({*engine, clock, random, arns, quotas, settings.data / "buckets"}));
    if (!opened_tables) return opened_tables.error();
    tables = std::move(*opened_tables);

    router = broker::make_router(shards, clock, metrics, quotas);
    registry->publish_events(router.get());
    shadows = shadow::make_shadow_service({*engine, *router, *router, shards, clock, metrics, quotas, &activity, router.get()});
    jobs = jobs::make_job_service({*engine, *router, *router, shards, *registry, clock, metrics, arns, quotas});

    auto opened_logs = run_blocking(startup, logs::open_log_store(*engine, clock, metrics));
    if (!opened_logs) return opened_logs.error();
    logs = std::move(*opened_logs);

    lambda::FunctionService::Dependencies for_functions{*engine,       *tables,
                                                        *router,       clock,
                                                        random,        metrics,
                                                        arns,          settings.data / "functions",
                                                        shards.size(), std::max<std::size_t>(settings.lambda_concurrency, shards.size())};
    for_functions.partition_key_of = [this](const TableName& name) { return tables->partition_key_of(name); };
    for_functions.streams = &tables->streams();
    auto opened_functions = run_blocking(startup, lambda::open_function_service(std::move(for_functions)));
    if (!opened_functions) return opened_functions.error();
    functions = std::move(*opened_functions);

    rules::RuleService::Dependencies for_rules{*engine, *router, *router, *tables, *functions, clock, random, metrics, arns, quotas};
    for_rules.outside.shadows = shadows.get();
    for_rules.outside.things = registry.get();
    for_rules.outside.logs = logs.get();
    for_rules.outside.activity = &activity;
    for_rules.outside.secrets_file = settings.secrets_file;
    for_rules.outside.sinks = settings.sinks;
    for_rules.outside.sink_region = settings.sink_region;
    for_rules.outside.sink_access_key_id = settings.sink_access_key_id;
    for_rules.outside.sink_secret_access_key = settings.sink_secret_access_key;
    for_rules.outside.sink_ca_file = settings.sink_ca_file;
    for_rules.outside.confirm_url = "https://" + endpoint_name(settings) + ":" + std::to_string(settings.api_port);
    auto opened_rules = run_blocking(startup, rules::open_rule_service(std::move(for_rules)));
    if (!opened_rules) return opened_rules.error();
    rules = std::move(*opened_rules);

    boost::asio::co_spawn(shards[0].io(), keep_tables(tables.get()), boost::asio::detached);
    shards.start();
    registry->index().start(shards, *router, shadows.get());
    return {};
}

Result<void> Server::Rooms::open_doors(const Doors& doors) {
    auto certificate = authority->server_certificate(certificate_names(settings, local_names()));
    if (!certificate) return certificate.error();

    endpoints.bind = doors.api_on_loopback_only ? "127.0.0.1" : settings.bind;
    endpoints.ca_file = std::filesystem::absolute(authority->root_file()).string();
    endpoints.endpoint_name = endpoint_name(settings);
    endpoints.root_key = iam->root();

    upgrades = api::make_upgrade_authenticator(*iam, clock);
    broker::Broker::Dependencies for_broker{shards, *router, *registry, clock, random, metrics, quotas};
    for_broker.store = engine.get();
    for_broker.upgrades = upgrades.get();
    for_broker.activity = &activity;
    custom_authenticator = registry::make_custom_authenticator({*access, *functions, clock, random, arns});
    for_broker.custom = custom_authenticator.get();
    for_broker.http = &handover;
    broker = broker::make_broker(std::move(for_broker));
    if (auto restored = run_blocking(startup, broker->restore()); !restored) return restored.error();
    provisioning =
        registry::make_provisioning_service({*registry, *access, *router, *router, broker->direct(), *functions, clock, arns, &activity});
    registry->observe_revocations(&broker->revocations());
    api = api::make_api_server({shards,
                                *registry,
                                *iam,
                                *iam,
                                *access,
                                *rules,
                                *functions,
                                *tables,
                                *router,
                                clock,
                                random,
                                metrics,
                                arns,
                                quotas,
                                shadows.get(),
                                &broker->retained(),
                                &broker->connections(),
                                jobs.get(),
                                &activity,
                                provisioning.get(),
                                custom_authenticator.get(),
                                logs.get()});
    api::ApiOptions options{endpoints.bind,       settings.api_port,       settings.https_port,         certificate->chain_pem,
                            certificate->key_pem, endpoints.endpoint_name, settings.tls_security_policy};
    if (doors.api_on_loopback_only) {
        options.api_port = 0;
        options.https_port = -1;
    }
    auto ports = api->listen(options);
    if (!ports) return ports.error();
    endpoints.api = *ports;
    // The broker's doors last: HTTP that comes in there is the API's.
    handover.give_to(*api);
    if (doors.mqtt) {
        broker::ListenerOptions listener;
        listener.bind = settings.bind;
        listener.mqtts_port = settings.mqtts_port;
        listener.alpn_port = settings.alpn_port;
        listener.mqtt_port = settings.mqtt_port;
        listener.certificate_chain_pem = certificate->chain_pem;
        listener.private_key_pem = certificate->key_pem;
        listener.security_policy = settings.tls_security_policy;
        listener.strict_server_name = settings.strict_sni;
        listener.proxy_protocol = settings.proxy_protocol;
        auto opened = broker->listen(listener);
        if (!opened) return opened.error();
        endpoints.mqtt = *opened;
    }
    start_functions();
    return {};
}

/// Last of all: queued invocations begin at once, and functions in other languages call back through the API.
void Server::Rooms::start_functions() {
    lambda::FunctionService::Surroundings surroundings;
    surroundings.endpoint_url = url("http", endpoints.bind, endpoints.api.api);
    surroundings.region = settings.region.str();
    surroundings.node_path = settings.lambda_node_path;
    if (const char* path = std::getenv("PATH"); path != nullptr) surroundings.search_path = path;
    surroundings.roles = iam.get();
    surroundings.role_access = iam.get();
    surroundings.logs = logs.get();
    surroundings.access_key_id = endpoints.root_key.access_key_id;
    surroundings.secret_access_key = endpoints.root_key.secret_access_key;
    surroundings.shadows = shadows.get();
    surroundings.shadow_exception = [](const boost::system::error_code& code) {
        const bool of_shadows = code.category() == shadow::category();
        return of_shadows ? api::aws_exception(api::Family::data, code).name : std::string_view();
    };
    functions->start(std::move(surroundings));
}

void Server::Rooms::stop(std::chrono::milliseconds grace) {
    if (std::exchange(stopped, true)) return;
    // First the doors, then what works for them, then the store, then the loops they all ran on.
    if (api) api->stop(grace / 4);
    if (broker) {
        registry->observe_revocations(nullptr);
        broker->stop(grace / 4);
    }
    if (provisioning) provisioning->stop();
    if (registry && router) registry->index().stop();
    if (registry) registry->publish_events(nullptr);
    if (rules) rules->stop();
    if (functions) functions->stop(grace / 4);
    if (logs) logs->stop();
    if (shadows) shadows->stop();
    if (jobs) jobs->stop();
    if (engine) engine->stop();
    shards.stop();
}

Server::Server(std::unique_ptr<Rooms> rooms) : rooms_(std::move(rooms)) {}

Server::~Server() {
    stop(std::chrono::seconds(1));
}

const Endpoints& Server::endpoints() const {
    return rooms_->endpoints;
}

Result<std::unique_ptr<Server>> Server::start(const Settings& settings, const Doors& doors) {
    auto lock = DataFolderLock::take(settings.data);
    if (!lock) return lock.error();
    std::unique_ptr<Server> server(new Server(std::make_unique<Rooms>(settings, std::move(*lock))));
    Rooms& rooms = *server->rooms_;
    if (auto opened = rooms.open_store(); !opened) return opened.error();
    if (auto opened = rooms.open_identity(); !opened) return opened.error();
    if (auto opened = rooms.open_services(); !opened) return opened.error();
    if (auto opened = rooms.open_doors(doors); !opened) return opened.error();
    if (doors.mqtt) {
        if (auto written = write_endpoints_file(settings.data, endpoints_json(settings, rooms.endpoints)); !written) return written.error();
    }
    return server;
}

void Server::stop(std::chrono::milliseconds grace) {
    if (!rooms_ || rooms_->stopped) return;
    if (rooms_->broker && rooms_->endpoints.mqtt.mqtts >= 0) remove_endpoints_file(rooms_->settings.data);
    rooms_->stop(grace);
}

}  // namespace fogbank::app
