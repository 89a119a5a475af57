#include "rules/rule_service.h"

#include <spdlog/spdlog.h>

#include <map>
#include <mutex>

#include "common/encoding.h"
#include "common/logging.h"
#include "rules/actions/kafka.h"
#include "rules/basic_ingest.h"
#include "rules/rule_definition.h"
#include "rules/rule_runner.h"
#include "store/kv/errc.h"
#include "store/kv/key.h"

namespace fogbank::rules {
namespace {

namespace asio = boost::asio;
namespace kv = store::kv;

constexpr std::string_view room = "rule";

std::string rule_key(const RuleName& name) {
    return kv::KeyBuilder(room).text(name.view()).str();
}

Error access_denied(const RuleName& name) {
    return {Errc::access_denied, "Access to topic rule '" + name.str() + "' was denied"};
}

/// The engine's errors as this room's; errors of our own transaction bodies pass.
Error as_rule_error(const Error& error) {
    if (error.code.category() == category()) return error;
    return {Errc::unavailable, error.message};
}

/// GetObject, for the descriptors of decode(…, 'proto', …).
asio::awaitable<Result<std::string>> read_object(HttpClient& http, const SinkDirectory& sinks, const Clock& clock, std::string bucket,
                                                 std::string key) {
    OutboundStep step;
    step.sink = "s3";
    step.sign_service = "s3";
    step.method = "GET";
    step.url = "/" + percent_encode(bucket) + "/" + percent_encode(key, true);
    auto request = request_of(step, sinks, clock.now());
    if (!request) co_return request.error();
    auto answer = co_await http.send(std::move(*request));
    if (!answer) co_return answer.error();
    if (answer->status != 200) co_return Error(Errc::unavailable, "S3 answered " + std::to_string(answer->status));
    co_return std::move(answer->body);
}

class Service final : public RuleService {
  public:
    Service(Dependencies dependencies, SinkDirectory sinks, std::unique_ptr<HttpClient> http)
        : dependencies_(std::move(dependencies)),
          sinks_(std::move(sinks)),
          http_(std::move(http)),
          kafka_(make_kafka_sender(dependencies_.outside.sink_ca_file)),
          outbox_(make_outbox({dependencies_.engine, *http_, kafka_.get(), sinks_, dependencies_.clock, dependencies_.metrics})),
          destinations_({dependencies_.engine, *http_, dependencies_.clock, dependencies_.random, dependencies_.arns, dependencies_.quotas,
                         dependencies_.outside.confirm_url,
                         [this](std::function<asio::awaitable<void>()> task) { outbox_->spawn(std::move(task)); }}),
          externals_(make_external_services({dependencies_.tables, &dependencies_.functions, dependencies_.outside.shadows,
                                             dependencies_.outside.things, dependencies_.outside.secrets_file, object_reader(),
                                             dependencies_.clock})),
          services_{dependencies_.publisher,
                    dependencies_.tables,
                    dependencies_.functions,
                    dependencies_.clock,
                    dependencies_.quotas,
                    &sinks_,
                    outbox_.get(),
                    kafka_.get(),
                    &destinations_,
                    externals_->why_not(),
                    dependencies_.outside.logs},
          surroundings_(std::make_shared<RuleSurroundings>(
              sql::Environment{dependencies_.clock, dependencies_.random, dependencies_.arns.account().str()}, externals_, outbox_.get())),
          ingest_watch_(std::make_shared<BasicIngestWatch>(dependencies_.clock, dependencies_.metrics, dependencies_.outside.activity)) {
        dependencies_.topics.subscribe(basic_ingest_topics, ingest_watch_, at_least_once());
    }
    ~Service() override { stop_now(); }

    Awaitable<void> load();
    Awaitable<void> create_rule(RuleName name, std::string payload_json) override;
    Awaitable<void> replace_rule(RuleName name, std::string payload_json) override;
    Awaitable<RuleDescription> get_rule(RuleName name) override;
    Awaitable<std::vector<RuleDescription>> list_rules() override;
    Awaitable<void> delete_rule(RuleName name) override;
    Awaitable<void> set_rule_enabled(RuleName name, bool enabled) override;
    std::optional<RuleCounters> counters(const RuleName& name) const override;
    OutboxCounters outbox() const override { return {outbox_->jobs(), outbox_->bytes(), outbox_->retries(), outbox_->given_up()}; }
    DestinationService& destinations() override { return destinations_; }
    void stop() override { stop_now(); }

  private:
    /// What is known of a rule in memory. A deleted one keeps its revision, so that a change that was committed earlier and arrives later
    /// is not applied.
    struct Entry {
        std::uint64_t revision = 0;
        bool exists = false;
        std::shared_ptr<RuleState> state;
        std::shared_ptr<RuleRunner> runner;            ///< null: not subscribed
        std::shared_ptr<const CompiledRule> compiled;  ///< the one that runs, or ran last
        std::string topic_filter;
    };
    /// What a transaction committed: the record, or nothing for a deletion, and its place in the order of commits.
    struct Change {
        std::uint64_t revision = 0;
        std::optional<RuleDefinition> definition;
    };
    using Edit = UniqueFunction<Result<std::optional<RuleDefinition>>(const std::optional<RuleDefinition>& current)>;

    struct Prepared {
        RuleDefinition definition;
        std::shared_ptr<const CompiledRule> compiled;
    };
    Result<Prepared> prepare(const RuleName& name, const std::string& payload_json) const;
    Awaitable<void> change(RuleName name, std::shared_ptr<const CompiledRule> compiled, Edit edit);
    Awaitable<void> make_destinations(std::shared_ptr<const CompiledRule> rule);
    Awaitable<std::optional<RuleDefinition>> read(RuleName name);
    void apply(const RuleName& name, const Change& change, std::shared_ptr<const CompiledRule> compiled);
    void subscribe(const RuleName& name, Entry& entry, std::shared_ptr<const CompiledRule> compiled, const std::string& topic_filter);
    void unsubscribe(const RuleName& name, const std::shared_ptr<RuleRunner>& runner, const std::string& topic_filter);
    void load_one(const RuleName& name, const std::string& record);
    bool room_for_another(const RuleName& name) const;
    void stop_now();
    static SubscriptionOptions at_least_once() {
        SubscriptionOptions options;
        options.qos = Qos::at_least_once;
        return options;
    }
    static std::string basic_ingest_filter(const RuleName& name) { return "$aws/rules/" + name.str() + "/#"; }

    /// A job's work is over: count it, and tell the rule's error action what failed.
    void finished(const std::shared_ptr<const OutboxJob>& job, UniqueFunction<void()> done);
    ObjectReader object_reader();

    Dependencies dependencies_;
    SinkDirectory sinks_;
    std::unique_ptr<HttpClient> http_;
    std::unique_ptr<KafkaSender> kafka_;
    std::unique_ptr<Outbox> outbox_;
    DestinationService destinations_;
    std::shared_ptr<ExternalServices> externals_;
    ActionServices services_;
    std::shared_ptr<RuleSurroundings> surroundings_;
    std::shared_ptr<BasicIngestWatch> ingest_watch_;
    std::atomic<std::uint64_t> next_revision_{1};
    mutable std::mutex mutex_;
    std::map<RuleName, Entry> entries_;
    std::size_t changes_under_way_ = 0;
    bool stopped_ = false;
};

Result<Service::Prepared> Service::prepare(const RuleName& name, const std::string& payload_json) const {
    if (auto valid = validate_rule_name(name); !valid) return valid.error();
    auto definition = parse_rule_payload(payload_json, dependencies_.quotas);
    if (!definition) return definition.error();
    definition->created_at = dependencies_.clock.now();
    Prepared prepared;
    auto compiled = compile_rule(name, *definition, services_);
    if (!compiled) return compiled.error();
    prepared.compiled = std::move(*compiled);
    prepared.definition = std::move(*definition);
    for (const std::string& warning : prepared.compiled->statement.warnings()) logger("rules").warn("rule={} {}", name.str(), warning);
    return prepared;
}

/// Reads, edits and writes the stored rule, then brings memory in line with what was committed.
Awaitable<void> Service::change(RuleName name, std::shared_ptr<const CompiledRule> compiled, Edit edit) {
    const auto committed = std::make_shared<Change>();
    kv::TransactionBody body = [this, committed, key = rule_key(name),
                                edit = std::move(edit)](kv::Transaction& transaction) mutable -> Result<void> {
        auto stored = transaction.get(key);
        if (!stored) return stored.error();
        std::optional<RuleDefinition> current;
        if (*stored) {
            auto read = rule_from_store(**stored);
            if (!read) return read.error();
            current = std::move(*read);
        }
        auto edited = edit(current);
        if (!edited) return edited.error();
        if (*edited) {
            transaction.put(key, stored_rule(**edited));
        } else {
            transaction.erase(key);
        }
        committed->definition = std::move(*edited);
        committed->revision = next_revision_.fetch_add(1);
        return {};
    };
    {
        const std::lock_guard lock(mutex_);
        ++changes_under_way_;
    }
    const auto done = co_await dependencies_.engine.transact(std::move(body));
    const std::lock_guard lock(mutex_);
    --changes_under_way_;
    if (!done) co_return as_rule_error(done.error());
    apply(name, *committed, std::move(compiled));
    co_return Result<void>();
}

/// With the mutex held.
void Service::apply(const RuleName& name, const Change& change, std::shared_ptr<const CompiledRule> compiled) {
    Entry& entry = entries_[name];
    if (change.revision > entry.revision) {
        entry.revision = change.revision;
        const std::shared_ptr<RuleRunner> old_runner = std::exchange(entry.runner, nullptr);
        const std::string old_filter = entry.topic_filter;
        if (change.definition && !entry.exists) entry.state = std::make_shared<RuleState>(name, dependencies_.metrics, dependencies_.clock);
        entry.exists = change.definition.has_value();
        ingest_watch_->set_known(name, entry.exists);
        // The new version is subscribed before the old one goes: a message in between may run both, never none.
        if (change.definition && !change.definition->disabled && !stopped_)
            subscribe(name, entry, std::move(compiled), change.definition->topic_filter);
        if (old_runner) unsubscribe(name, old_runner, old_filter);
    }
    if (changes_under_way_ > 0) return;
    std::erase_if(entries_, [](const auto& named) { return !named.second.exists; });
}

void Service::subscribe(const RuleName& name, Entry& entry, std::shared_ptr<const CompiledRule> compiled, const std::string& topic_filter) {
    entry.compiled = compiled;
    entry.runner = std::make_shared<RuleRunner>(std::move(compiled), entry.state, surroundings_);
    entry.topic_filter = topic_filter;
    const SubscriptionOptions options = at_least_once();
    if (!topic_filter.empty()) dependencies_.topics.subscribe(topic_filter, entry.runner, options);
    dependencies_.topics.subscribe(basic_ingest_filter(name), entry.runner, options);
}

void Service::unsubscribe(const RuleName& name, const std::shared_ptr<RuleRunner>& runner, const std::string& topic_filter) {
    if (!topic_filter.empty()) dependencies_.topics.unsubscribe(topic_filter, *runner);
    dependencies_.topics.unsubscribe(basic_ingest_filter(name), *runner);
}

/// The count is of this moment: creations that are under way at the same time may pass it together.
bool Service::room_for_another(const RuleName& name) const {
    const std::lock_guard lock(mutex_);
    return entries_.contains(name) || entries_.size() < dependencies_.quotas.bytes(Quota::rules_per_account);
}

/// An http action whose URL has no destination yet makes one.
Awaitable<void> Service::make_destinations(std::shared_ptr<const CompiledRule> rule) {
    for (const std::string& url : rule->destinations) {
        if (destinations_.has(url)) continue;
        const auto made = co_await destinations_.create_http(url);
        if (!made && made.error().code != Errc::resource_already_exists) co_return made.error();
    }
    co_return Result<void>();
}

Awaitable<void> Service::create_rule(RuleName name, std::string payload_json) {
    auto prepared = prepare(name, payload_json);
    if (!prepared) co_return prepared.error();
    if (!room_for_another(name)) {
        co_return Error(Errc::limit_exceeded,
                        "an account has at most " + std::to_string(dependencies_.quotas[Quota::rules_per_account]) + " topic rules");
    }
    Edit edit = [definition = std::move(prepared->definition)](
                    const std::optional<RuleDefinition>& current) -> Result<std::optional<RuleDefinition>> {
        if (current) return Error(Errc::resource_already_exists, "Rule with given name already exists");
        return std::optional(definition);
    };
    const auto compiled = prepared->compiled;
    auto changed = co_await change(std::move(name), std::move(prepared->compiled), std::move(edit));
    if (changed) changed = co_await make_destinations(compiled);
    co_return changed;
}

Awaitable<void> Service::replace_rule(RuleName name, std::string payload_json) {
    auto prepared = prepare(name, payload_json);
    if (!prepared) co_return prepared.error();
    Edit edit = [definition = std::move(prepared->definition),
                 name](const std::optional<RuleDefinition>& current) -> Result<std::optional<RuleDefinition>> {
        if (!current) return access_denied(name);
        RuleDefinition replaced = definition;
        replaced.created_at = current->created_at;
        return std::optional(std::move(replaced));
    };
    const auto compiled = prepared->compiled;
    auto changed = co_await change(std::move(name), std::move(prepared->compiled), std::move(edit));
    if (changed) changed = co_await make_destinations(compiled);
    co_return changed;
}

Awaitable<std::optional<RuleDefinition>> Service::read(RuleName name) {
    auto stored = co_await dependencies_.engine.get(rule_key(name));
    if (!stored) co_return as_rule_error(stored.error());
    std::optional<RuleDefinition> none;
    if (!*stored) co_return none;
    auto definition = rule_from_store(**stored);
    if (!definition) co_return definition.error();
    std::optional<RuleDefinition> found(std::move(*definition));
    co_return found;
}

Awaitable<RuleDescription> Service::get_rule(RuleName name) {
    if (auto valid = validate_rule_name(name); !valid) co_return valid.error();
    auto definition = co_await read(name);
    if (!definition) co_return definition.error();
    if (!*definition) co_return access_denied(name);
    co_return describe(name, **definition, dependencies_.arns);
}

Awaitable<std::vector<RuleDescription>> Service::list_rules() {
    std::vector<RuleDescription> rules;
    kv::ScanOptions options;
    options.range = kv::KeyBuilder(room).prefix_range();
    while (true) {
        auto page = co_await dependencies_.engine.scan(options);
        if (!page) co_return as_rule_error(page.error());
        for (const kv::KeyValue& item : page->items) {
            kv::KeyReader reader(item.key);
            reader.text();
            const RuleName name(reader.text().value_or(""));
            if (const auto definition = rule_from_store(item.value)) rules.push_back(describe(name, *definition, dependencies_.arns));
        }
        if (!page->more || page->items.empty()) break;
        options.range.begin = page->items.back().key + '\0';
    }
    co_return rules;
}

Awaitable<void> Service::delete_rule(RuleName name) {
    if (auto valid = validate_rule_name(name); !valid) co_return valid.error();
    Edit edit = [name](const std::optional<RuleDefinition>& current) -> Result<std::optional<RuleDefinition>> {
        if (!current) return access_denied(name);
        return std::optional<RuleDefinition>();
    };
    std::shared_ptr<const CompiledRule> nothing;
    co_return co_await change(std::move(name), std::move(nothing), std::move(edit));
}

Awaitable<void> Service::set_rule_enabled(RuleName name, bool enabled) {
    if (auto valid = validate_rule_name(name); !valid) co_return valid.error();
    auto found = co_await read(name);
    if (!found) co_return found.error();
    if (!*found) co_return access_denied(name);
    const std::string sql = (*found)->sql;
    const std::string actions = (*found)->actions_json;
    std::shared_ptr<const CompiledRule> compiled;
    if (enabled) {
        auto made = compile_rule(name, **found, services_);
        if (!made) co_return made.error();
        compiled = std::move(*made);
    }
    Edit edit = [name, enabled, sql, actions](const std::optional<RuleDefinition>& current) -> Result<std::optional<RuleDefinition>> {
        if (!current) return access_denied(name);
        if (current->sql != sql || current->actions_json != actions)
            return Error(Errc::unavailable, "rule `" + name.str() + "` was changed at the same time");
        RuleDefinition edited = *current;
        edited.disabled = !enabled;
        return std::optional(std::move(edited));
    };
    co_return co_await change(std::move(name), std::move(compiled), std::move(edit));
}

std::optional<RuleCounters> Service::counters(const RuleName& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end() || !found->second.exists) return std::nullopt;
    return found->second.state->counters();
}

void Service::stop_now() {
    surroundings_->stop();
    {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(stopped_, true)) dependencies_.topics.unsubscribe(basic_ingest_topics, *ingest_watch_);
        for (auto& [name, entry] : entries_) {
            if (const auto runner = std::exchange(entry.runner, nullptr)) unsubscribe(name, runner, entry.topic_filter);
        }
    }
    outbox_->stop();
}

ObjectReader Service::object_reader() {
    if (!sinks_.has("s3")) return {};
    return [this](std::string bucket, std::string key) -> asio::awaitable<Result<std::string>> {
        return read_object(*http_, sinks_, dependencies_.clock, std::move(bucket), std::move(key));
    };
}

void Service::finished(const std::shared_ptr<const OutboxJob>& job, UniqueFunction<void()> done) {
    std::shared_ptr<RuleState> state;
    std::shared_ptr<const CompiledRule> rule;
    {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(RuleName(job->rule));
        if (found != entries_.end()) {
            state = found->second.state;
            rule = found->second.compiled;
        }
    }
    for (const JobFailure& failure : job->failures) {
        logger("rules").error("{} failed rule={} action={} resource={} topic={} reason={}",
                              job->for_error_action ? "error action" : "action", job->rule, failure.action, log_value(failure.resource),
                              log_value(job->message->topic_name()), log_value(failure.message));
    }
    if (job->for_error_action || !state) return done();
    if (job->failures.empty()) {
        state->succeeded();
        return done();
    }
    state->failed(job->failures[0].action + ": " + job->failures[0].message);
    if (!rule || !rule->error_action) return done();
    run_error_action(rule, surroundings_, job->message, job->failures, job->trace_id, {},
                     [done = std::move(done)](std::optional<Error>) mutable { done(); });
}

/// A rule that no longer compiles stays in the store and is not subscribed.
void Service::load_one(const RuleName& name, const std::string& record) {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[name];
    entry.exists = true;
    ingest_watch_->set_known(name, true);
    entry.state = std::make_shared<RuleState>(name, dependencies_.metrics, dependencies_.clock);
    auto definition = rule_from_store(record);
    if (!definition) {
        logger("rules").error("stored rule is not readable and stays disabled rule={}", name.str());
        return;
    }
    auto compiled = compile_rule(name, *definition, services_);
    if (!compiled) {
        logger("rules").error("stored rule does not compile and stays disabled rule={} reason={}", name.str(),
                              log_value(compiled.error().message));
        entry.state->failed(compiled.error().message);
        return;
    }
    if (!definition->disabled) subscribe(name, entry, std::move(*compiled), definition->topic_filter);
}

Awaitable<void> Service::load() {
    kv::ScanOptions options;
    options.range = kv::KeyBuilder(room).prefix_range();
    while (true) {
        auto page = co_await dependencies_.engine.scan(options);
        if (!page) co_return as_rule_error(page.error());
        for (const kv::KeyValue& item : page->items) {
            kv::KeyReader reader(item.key);
            reader.text();
            load_one(RuleName(reader.text().value_or("")), item.value);
        }
        if (!page->more || page->items.empty()) break;
        options.range.begin = page->items.back().key + '\0';
    }
    auto destinations = co_await destinations_.load();
    if (!destinations) co_return as_rule_error(destinations.error());
    auto stored = co_await stored_jobs(dependencies_.engine);
    if (!stored) co_return as_rule_error(stored.error());
    outbox_->start(std::move(*stored),
                   [this](std::shared_ptr<const OutboxJob> job, UniqueFunction<void()> done) { finished(job, std::move(done)); });
    co_return Result<void>();
}

}  // namespace

Awaitable<std::unique_ptr<RuleService>> open_rule_service(RuleService::Dependencies dependencies) {
    const Outside& outside = dependencies.outside;
    const std::string region = outside.sink_region.empty() ? dependencies.arns.region().str() : outside.sink_region;
    auto sinks = make_sink_directory(outside.sinks, {outside.sink_access_key_id, outside.sink_secret_access_key, {}}, region);
    if (!sinks) co_return sinks.error();
    auto http = make_http_client(outside.sink_ca_file);
    if (!http) co_return http.error();
    auto service = std::make_unique<Service>(std::move(dependencies), std::move(*sinks), std::move(*http));
    auto loaded = co_await service->load();
    if (!loaded) co_return loaded.error();
    std::unique_ptr<RuleService> opened = std::move(service);
    co_return opened;
}

}  // namespace fogbank::rules
