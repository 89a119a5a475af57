#include "lambda/function.h"

#include <spdlog/spdlog.h>

#include <array>
#include <utility>

#include "common/encoding.h"
#include "common/logging.h"
#include "lambda/elf.h"
#include "lambda/runtime.h"

namespace fogbank::lambda {
namespace {

namespace fs = std::filesystem;

/// The file of a package's folder that is looked at to see whether the folder was changed: the handler's module, the bootstrap, or else
/// the folder's own list of files.
fs::path watched_file(const fs::path& folder, const FunctionConfiguration& configuration) {
    std::error_code ignored;
    if (runtime_kind(configuration.runtime) == RuntimeKind::provided) return folder / "bootstrap";
    const fs::path module = folder / configuration.handler.substr(0, configuration.handler.rfind('.'));
    for (const char* extension : {".js", ".mjs", ".cjs", ".py"}) {
        fs::path file = module;
        file += extension;
        if (fs::is_regular_file(file, ignored)) return file;
    }
    return folder;
}

std::string text_of(const FileStamp& stamp) {
    std::string out;
    for (const std::uint64_t number : {stamp.device, stamp.inode, stamp.bytes, static_cast<std::uint64_t>(stamp.modified_ns),
                                       static_cast<std::uint64_t>(stamp.changed_ns)}) {
        out += std::to_string(number) + " ";
    }
    return out;
}

}  // namespace

Function::Function(FunctionRecord record, std::shared_ptr<const CodeStore> code_store, std::shared_ptr<const EnvironmentStarter> starter)
    : name_(record.configuration.name),
      origin_(record.origin),
      in_process_(runs_in_process(record.configuration)),
      package_(runtime_kind(record.configuration.runtime) != RuntimeKind::cpp),
      code_store_(std::move(code_store)),
      starter_(std::move(starter)),
      record_(std::make_shared<const FunctionRecord>(std::move(record))) {
    pin(record_->object_sha256);
}

Function::~Function() {
    pin({});
}

/// With mutex_ held, or alone.
void Function::pin(const std::string& sha256) {
    if (!sha256.empty()) code_store_->pin(name_, sha256);
    if (!pinned_.empty()) code_store_->unpin(name_, pinned_);
    pinned_ = sha256;
}

std::shared_ptr<const FunctionRecord> Function::record() const {
    const std::lock_guard lock(mutex_);
    return record_;
}

void Function::set_revision(std::string revision_id, WallTime modified_at) {
    const std::lock_guard lock(mutex_);
    auto changed = std::make_shared<FunctionRecord>(*record_);
    changed->configuration.revision_id = std::move(revision_id);
    changed->configuration.modified_at = modified_at;
    record_ = std::move(changed);
}

std::optional<FileStamp> Function::origin_stamp() const {
    if (origin_.empty()) return std::nullopt;
    const auto stamp = package_ ? FileStamp::of_any(watched_file(origin_, record()->configuration)) : FileStamp::of(origin_);
    return stamp ? std::optional<FileStamp>(*stamp) : std::nullopt;
}

/// What was loaded, if the disk was looked at a moment ago. Otherwise the caller looks now.
std::optional<Function::Code> Function::lately_seen() {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (loaded_ && now - looked_at_ < look_interval) return current(std::nullopt, false);
    looked_at_ = now;
    return std::nullopt;
}

Result<Function::Code> Function::code() {
    if (auto code = lately_seen()) return std::move(*code);
    const auto seen = origin_stamp();
    if (auto ready = loaded_code(seen)) return std::move(*ready);
    std::unique_lock loading(load_mutex_, std::try_to_lock);
    if (!loading.owns_lock()) {
        // Somebody loads already. With code in hand go on with that; without, wait.
        const std::unique_lock lock(mutex_);
        if (loaded_) return current(std::nullopt, false);
    }
    if (!loading.owns_lock()) loading.lock();
    if (auto ready = loaded_code(seen)) return std::move(*ready);
    const auto begin = std::chrono::steady_clock::now();
    auto loaded = load(seen);
    return adopt(std::move(loaded), seen, std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin));
}

Result<Function::Taken> Function::take_environment(const Code& code) {
    if (auto warm = environments_.take(code.identity)) return Taken{std::move(warm), false};
    auto started = starter_->start(*record(), code.path);
    if (!started) return started.error();
    return Taken{std::move(*started), true};
}

/// With mutex_ held.
Function::Code Function::current(std::optional<std::chrono::microseconds> init_duration, bool replaced) const {
    return Code{plugin_, path_, identity_, init_duration, replaced};
}

std::optional<Function::Code> Function::loaded_code(const std::optional<FileStamp>& seen) const {
    const std::lock_guard lock(mutex_);
    // A file that is gone is no replacement.
    if (!loaded_ || (seen && seen != stamp_)) return std::nullopt;
    return current(std::nullopt, false);
}

Result<Function::Loaded> Function::load(const std::optional<FileStamp>& seen) const {
    const bool first = [this] {
        const std::lock_guard lock(mutex_);
        return !loaded_;
    }();
    if (origin_.empty()) return load_copy();
    auto loaded = seen ? load_origin(*seen)
                       : Result<Loaded>(Error(Errc::invalid_code, "`" + origin_.string() + "`: there is no such file or folder"));
    if (loaded || !first || package_ || record()->object_sha256.empty()) return loaded;
    // After a restart the code that ran last is better than none.
    auto copy = load_copy();
    if (!copy) return loaded;
    logger("lambda").warn("the function's file does not load, its last copy runs function={} reason={}", name_.str(),
                          log_value(loaded.error().message));
    return copy;
}

Result<Function::Loaded> Function::load_origin(const FileStamp& seen) const {
    Loaded loaded;
    if (package_) {
        // Runs where it lies; what a stamp names is all that is known of its content.
        loaded.path = origin_;
        loaded.sha256 = sha256(text_of(seen));
        return loaded;
    }
    auto bytes = read_object(origin_, seen);
    if (!bytes) return bytes.error();
    if (auto sound = check_shared_object(*bytes); !sound) return in_context("`" + origin_.string() + "`", sound.error());
    auto installed = code_store_->install(name_, *bytes);
    if (!installed) return installed.error();
    loaded.path = installed->file;
    loaded.sha256 = installed->sha256;
    loaded.bytes = bytes->size();
    auto good = try_out(std::move(loaded));
    if (!good) return in_context("`" + origin_.string() + "`", good.error());
    // The copy that the record names stays until the record names this one.
    code_store_->keep_only(name_, {good->sha256, record()->object_sha256});
    return good;
}

Result<Function::Loaded> Function::load_copy() const {
    const auto known = record();
    Loaded loaded;
    loaded.sha256 = known->object_sha256;
    if (package_) {
        loaded.path = code_store_->package_path(name_, known->object_sha256);
        std::error_code failed;
        if (!fs::is_directory(loaded.path, failed)) return Error(Errc::invalid_code, "the function's package is gone from the data folder");
        return loaded;
    }
    loaded.path = code_store_->path(name_, known->object_sha256);
    const auto stamp = FileStamp::of(loaded.path);
    if (!stamp) return stamp.error();
    auto bytes = read_object(loaded.path, *stamp);
    if (!bytes) return bytes.error();
    if (sha256(*bytes) != known->object_sha256)
        return Error(Errc::invalid_code, "`" + loaded.path.string() + "`: is not what was deployed");
    if (auto sound = check_shared_object(*bytes); !sound) return sound.error();
    loaded.bytes = bytes->size();
    return try_out(std::move(loaded));
}

/// Loads an object where it will run: here, or in a worker.
Result<Function::Loaded> Function::try_out(Loaded loaded) const {
    if (in_process_) {
        auto plugin = Plugin::load(loaded.path);
        if (!plugin) return plugin.error();
        loaded.plugin = std::move(*plugin);
        return loaded;
    }
    auto started = starter_->start(*record(), loaded.path);
    if (!started) return started.error();
    if (const auto failure = (*started)->wait_until_ready()) return Error(Errc::invalid_code, failure->reason);
    loaded.environment = std::move(*started);
    return loaded;
}

Result<Function::Code> Function::adopt(Result<Loaded> loaded, const std::optional<FileStamp>& seen, std::chrono::microseconds took) {
    std::shared_ptr<const Plugin> unloaded;  // the last user of old code unloads it, not under the lock
    const std::lock_guard lock(mutex_);
    if (!loaded) {
        if (!loaded_) return loaded.error();  // the stamp stays unset: the next call tries again
        logger("lambda").warn("replacement does not load, the old code stays function={} reason={}", name_.str(),
                              log_value(loaded.error().message));
        stamp_ = seen;
        return current(std::nullopt, false);
    }
    stamp_ = seen;
    loaded_ = true;
    unloaded = std::exchange(plugin_, loaded->plugin);
    path_ = loaded->path;
    identity_ = hex_encode(loaded->sha256);
    pin(loaded->sha256);
    const bool replaced = update_record(*loaded);
    if (loaded->environment) environments_.adopt(std::move(loaded->environment), identity_, std::chrono::steady_clock::now());
    // An environment tells its own start.
    return current(in_process_ ? std::optional(took) : std::nullopt, replaced);
}

bool Function::update_record(const Loaded& loaded) {
    if (record_->object_sha256 == loaded.sha256) return false;
    auto changed = std::make_shared<FunctionRecord>(*record_);
    changed->object_sha256 = loaded.sha256;
    if (!origin_.empty()) {
        changed->configuration.code_sha256 = base64_encode(loaded.sha256);
        changed->configuration.code_size_bytes = static_cast<std::int64_t>(loaded.bytes);
    }
    record_ = std::move(changed);
    return true;
}

}  // namespace fogbank::lambda
