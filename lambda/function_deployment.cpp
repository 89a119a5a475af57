// Creating, updating, publishing and deleting functions.
#include <spdlog/spdlog.h>

#include "common/encoding.h"
#include "common/logging.h"
#include "lambda/detail/service.h"
#include "lambda/function_validation.h"
#include "lambda/limits.h"
#include "lambda/runtime.h"
#include "lambda/zip_archive.h"
#include "store/kv/errc.h"

namespace fogbank::lambda::detail {
namespace {

Result<void> check_revision(const std::optional<std::string>& wanted, const std::string& current) {
    if (!wanted || *wanted == current) return {};
    return Error(Errc::precondition_failed,
                 "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the latest "
                 "RevisionId for your resource");
}

/// Whether publishing would make the version that is there. Source: API reference, PublishVersion.
bool same_version(const FunctionConfiguration& last, const FunctionConfiguration& latest, const PublishVersionRequest& request) {
    return last.code_sha256 == latest.code_sha256 && last.runtime == latest.runtime && last.role == latest.role &&
           last.handler == latest.handler && last.environment == latest.environment && last.timeout_s == latest.timeout_s &&
           last.memory_mb == latest.memory_mb && last.architecture == latest.architecture &&
           last.description == request.description.value_or(latest.description);
}

}  // namespace

/// Unpacks, checks and loads the code. Blocks.
Result<FunctionPtr> Service::install(CreateFunctionRequest request) {
    FunctionRecord record;
    FunctionConfiguration& configuration = record.configuration;
    configuration.arn = dependencies_.arns.function(request.name);
    configuration.name = std::move(request.name);
    configuration.runtime = std::move(request.runtime);
    configuration.role = std::move(request.role);
    configuration.handler = std::move(request.handler);
    configuration.description = std::move(request.description);
    configuration.environment = std::move(request.environment);
    configuration.timeout_s = request.timeout_s;
    configuration.memory_mb = request.memory_mb;
    configuration.architecture = std::move(request.architecture);
    return prepare(std::move(record), &request.code);
}

/// A function of this record, with its code in place and, where it is C++, loaded. Without `code` that of the record stays.
Result<FunctionPtr> Service::prepare(FunctionRecord record, const FunctionCode* code) {
    FunctionConfiguration& configuration = record.configuration;
    configuration.revision_id = dependencies_.random.uuid();
    configuration.modified_at = dependencies_.clock.now();
    const bool package = runtime_kind(configuration.runtime) != RuntimeKind::cpp;
    if (code != nullptr && !code->zip.empty()) {
        Result<CodeStore::Installed> installed = Error(Errc::invalid_code, {});
        if (package) {
            installed = code_store_->install_package(configuration.name, code->zip);
        } else if (auto object = shared_object_from_zip(code->zip, configuration.handler); !object) {
            installed = object.error();
        } else {
            installed = code_store_->install(configuration.name, *object);
        }
        if (!installed) return installed.error();
        record.origin.clear();
        record.object_sha256 = installed->sha256;
        configuration.code_size_bytes = static_cast<std::int64_t>(code->zip.size());
        configuration.code_sha256 = base64_encode(sha256(code->zip));
    } else if (code != nullptr) {
        std::error_code failed;
        record.origin = std::filesystem::absolute(code->file, failed).lexically_normal();
        if (package && !std::filesystem::is_directory(record.origin, failed))
            return Error(Errc::invalid_code,
                         "`" + record.origin.string() + "`: not a folder, which runtime " + configuration.runtime + " runs from");
    }
    if (auto usable = starter_->check(configuration); !usable) return usable.error();
    auto function = std::make_shared<Function>(std::move(record), code_store_, starter_);
    if (auto loaded = function->code(); !loaded) return loaded.error();
    return function;
}

Awaitable<FunctionConfiguration> Service::create_function(CreateFunctionRequest request) {
    if (auto valid = validate(request); !valid) co_return valid.error();
    if (stopped_) co_return shutting_down();
    const FunctionName name = request.name;
    FunctionMeta meta;
    meta.tags = request.tags;
    const bool publish = request.publish;
    const auto claimed = claim(name);
    if (!claimed) co_return claimed.error();
    if (find(name)) co_return Error(Errc::resource_conflict, "Function already exist: " + name.str());
    {
        const std::shared_lock lock(functions_mutex_);
        if (functions_.size() >= functions_max)
            co_return Error(Errc::invalid_parameter, "more than " + std::to_string(functions_max) + " functions");
    }
    UniqueFunction<Result<FunctionPtr>()> work = [this, &request] { return install(std::move(request)); };
    const auto function = co_await on_room_thread<Result<FunctionPtr>>(std::move(work));
    if (!function) {
        co_await remove_code(name);
        co_return function.error();
    }
    const auto kept = co_await keep(*function, std::move(meta), publish);
    if (!kept) {
        co_await remove_code(name);
        co_return kept.error();
    }
    co_return *kept;
}

/// Stores a new function, then lets it be found.
Awaitable<FunctionConfiguration> Service::keep(FunctionPtr function, FunctionMeta meta, bool publish) {
    const auto record = function->record();
    const FunctionName& name = record->configuration.name;
    const std::string key = function_key(name);
    store::kv::Batch batch;
    batch.preconditions.push_back({key, store::kv::Precondition::Kind::absent, {}});
    batch.put(key, encode(*record));
    FunctionEntry entry;
    entry.latest = function;
    FunctionPtr first;
    if (publish) {
        PublishVersionRequest request;
        request.name = name;
        UniqueFunction<Result<FunctionPtr>()> work = [this, &record, &request] { return freeze(*record, 1, request); };
        const auto frozen = co_await on_room_thread<Result<FunctionPtr>>(std::move(work));
        if (!frozen) co_return frozen.error();
        first = *frozen;
        batch.put(function_version_key(name, 1), encode(*first->record()));
        entry.versions[1] = first;
        meta.last_version = 1;
    }
    batch.put(function_meta_key(name), encode(meta));
    entry.meta = std::make_shared<const FunctionMeta>(std::move(meta));
    const auto stored = co_await dependencies_.engine.commit(std::move(batch));
    if (!stored) {
        const bool exists = stored.error().code == store::kv::Errc::precondition_failed;
        if (exists) co_return Error(Errc::resource_conflict, "Function already exist: " + name.str());
        co_return store_error(stored.error());
    }
    const std::unique_lock lock(functions_mutex_);
    functions_[name] = std::move(entry);
    co_return first ? first->record()->configuration : record->configuration;
}

Awaitable<void> Service::delete_function(FunctionName name) {
    const auto claimed = claim(name);
    if (!claimed) co_return claimed.error();
    const auto entry = find(name);
    if (!entry) co_return not_found(name);
    store::kv::TransactionBody body = [&name](store::kv::Transaction& transaction) -> Result<void> {
        transaction.erase(function_key(name));
        transaction.erase(function_meta_key(name));
        transaction.erase_range(function_version_keys(name));
        transaction.erase_range(queue_keys(name));
        return {};
    };
    const auto stored = co_await dependencies_.engine.transact(std::move(body));
    if (!stored) co_return store_error(stored.error());
    {
        const std::unique_lock lock(functions_mutex_);
        functions_.erase(name);
    }
    queue_.forget(name);
    UniqueFunction<bool()> work = [code_store = code_store_, name, entry] {
        entry->latest->environments().close();
        for (const auto& [number, version] : entry->versions) version->environments().close();
        return code_store->remove(name);
    };
    co_await on_room_thread<bool>(std::move(work));
    co_return Result<void>();
}

Result<FunctionPtr> Service::install_update(const FunctionRecord& old, UpdateFunctionRequest request) {
    FunctionRecord record = old;
    FunctionConfiguration& configuration = record.configuration;
    const auto change = [](auto& field, auto& wanted) {
        if (wanted) field = std::move(*wanted);
    };
    change(configuration.runtime, request.runtime);
    change(configuration.role, request.role);
    change(configuration.handler, request.handler);
    change(configuration.description, request.description);
    change(configuration.architecture, request.architecture);
    change(configuration.environment, request.environment);
    change(configuration.timeout_s, request.timeout_s);
    change(configuration.memory_mb, request.memory_mb);
    if (auto valid = validate(configuration); !valid) return valid.error();
    return prepare(std::move(record), request.code ? &*request.code : nullptr);
}

Awaitable<FunctionConfiguration> Service::update_function(UpdateFunctionRequest request) {
    if (stopped_) co_return shutting_down();
    const FunctionName name = request.name;
    const auto claimed = claim(name);
    if (!claimed) co_return claimed.error();
    const auto entry = find(name);
    if (!entry) co_return not_found(name);
    const FunctionPtr old = entry->latest;
    const auto old_record = old->record();
    if (auto same = check_revision(request.revision_id, old_record->configuration.revision_id); !same) co_return same.error();
    const bool dry_run = request.dry_run;
    UniqueFunction<Result<FunctionPtr>()> work = [this, &request, &old_record] { return install_update(*old_record, std::move(request)); };
    const auto function = co_await on_room_thread<Result<FunctionPtr>>(std::move(work));
    if (!function) co_return function.error();
    const auto record = (*function)->record();
    if (dry_run) co_return record->configuration;
    store::kv::Batch batch;
    const std::string key = function_key(name);
    batch.preconditions.push_back({key, store::kv::Precondition::Kind::exists, {}});
    batch.put(key, encode(*record));
    const auto stored = co_await dependencies_.engine.commit(std::move(batch));
    if (!stored) co_return store_error(stored.error());
    {
        const std::unique_lock lock(functions_mutex_);
        functions_[name].latest = *function;
    }
    // What runs goes on with the old code, which therefore stays on the disk until the update after this one.
    UniqueFunction<bool()> clean = [this, old, name, old_record, record] {
        old->environments().close();
        code_store_->keep_only(name, {record->object_sha256, old_record->object_sha256});
        return true;
    };
    co_await on_room_thread<bool>(std::move(clean));
    co_return record->configuration;
}

/// A version: the same code, which nobody can change any more. Blocks.
Result<FunctionPtr> Service::freeze(const FunctionRecord& latest, std::uint64_t number, const PublishVersionRequest& request) {
    FunctionRecord record = latest;
    FunctionConfiguration& configuration = record.configuration;
    if (!record.origin.empty()) {
        if (runtime_kind(configuration.runtime) != RuntimeKind::cpp)
            return Error(Errc::invalid_parameter, "a function that runs from a folder of the server has no versions: deploy it as a zip");
        record.origin.clear();  // the private copy is what a version runs
    }
    configuration.version = std::to_string(number);
    configuration.arn += ":" + configuration.version;
    configuration.revision_id = dependencies_.random.uuid();
    if (request.description) configuration.description = *request.description;
    return std::make_shared<Function>(std::move(record), code_store_, starter_);
}

Awaitable<FunctionConfiguration> Service::publish_version(PublishVersionRequest request) {
    const FunctionName name = request.name;
    const auto claimed = claim(name);
    if (!claimed) co_return claimed.error();
    const auto entry = find(name);
    if (!entry) co_return not_found(name);
    const auto latest = entry->latest->record();
    if (auto same = check_revision(request.revision_id, latest->configuration.revision_id); !same) co_return same.error();
    if (request.code_sha256 && *request.code_sha256 != latest->configuration.code_sha256) {
        co_return Error(Errc::invalid_parameter,
                        "CodeSHA256 (" + *request.code_sha256 + ") is different from current CodeSHA256 in $LATEST (" +
                            latest->configuration.code_sha256 + "). Please try again with the CodeSHA256 in $LATEST.");
    }
    if (!entry->versions.empty()) {
        const auto& last = entry->versions.rbegin()->second->record()->configuration;
        if (same_version(last, latest->configuration, request)) co_return last;
    }
    const std::uint64_t number = entry->meta->last_version + 1;
    UniqueFunction<Result<FunctionPtr>()> work = [this, &latest, &request, number] { return freeze(*latest, number, request); };
    const auto frozen = co_await on_room_thread<Result<FunctionPtr>>(std::move(work));
    if (!frozen) co_return frozen.error();
    FunctionMeta meta = *entry->meta;
    meta.last_version = number;
    store::kv::Batch batch;
    batch.preconditions.push_back({function_key(name), store::kv::Precondition::Kind::exists, {}});
    batch.put(function_version_key(name, number), encode(*(*frozen)->record()));
    batch.put(function_meta_key(name), encode(meta));
    const auto stored = co_await dependencies_.engine.commit(std::move(batch));
    if (!stored) co_return store_error(stored.error());
    const std::unique_lock lock(functions_mutex_);
    FunctionEntry& kept = functions_[name];
    kept.versions[number] = *frozen;
    kept.meta = std::make_shared<const FunctionMeta>(std::move(meta));
    co_return (*frozen)->record()->configuration;
}

Awaitable<void> Service::delete_version(FunctionReference function) {
    const auto claimed = claim(function.name);
    if (!claimed) co_return claimed.error();
    const auto entry = find(function.name);
    const auto number = version_number(function.qualifier);
    if (!entry) co_return not_found(function.name, function.qualifier);
    if (!number) co_return Error(Errc::invalid_parameter, "$LATEST version cannot be deleted without deleting the function.");
    const auto found = entry->versions.find(*number);
    if (found == entry->versions.end()) co_return Result<void>();  // as AWS: what is not there is deleted
    for (const auto& [name, alias] : entry->meta->aliases) {
        if (alias.function_version == function.qualifier || alias.routing.contains(function.qualifier))
            co_return Error(Errc::resource_conflict, "Version " + function.qualifier + " is referenced by alias " + name);
    }
    store::kv::Batch batch;
    batch.erase(function_version_key(function.name, *number));
    const auto stored = co_await dependencies_.engine.commit(std::move(batch));
    if (!stored) co_return store_error(stored.error());
    {
        const std::unique_lock lock(functions_mutex_);
        functions_[function.name].versions.erase(*number);
    }
    UniqueFunction<bool()> clean = [this, version = found->second, name = function.name, entry] {
        version->environments().close();
        code_store_->keep_only(name, {entry->latest->record()->object_sha256});
        return true;
    };
    co_await on_room_thread<bool>(std::move(clean));
    co_return Result<void>();
}

void Service::code_replaced(const FunctionPtr& function) {
    function->set_revision(dependencies_.random.uuid(), dependencies_.clock.now());
    const auto record = function->record();
    const FunctionName name = record->configuration.name;
    logger("lambda").info("function code replaced function={} revision={}", name.str(), record->configuration.revision_id);
    store::kv::Batch batch;
    const std::string key = function_key(name);
    // Not written back if the function was deleted meanwhile. A failure costs nothing: the next start loads the file again.
    batch.preconditions.push_back({key, store::kv::Precondition::Kind::exists, {}});
    batch.put(key, encode(*record));
    dependencies_.engine.commit(std::move(batch), [](Result<void>) {});
}

}  // namespace fogbank::lambda::detail
