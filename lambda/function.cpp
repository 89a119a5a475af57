#include "lambda/function.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "common/encoding.h"
#include "common/logging.h"
#include "lambda/elf.h"

namespace fogbank::lambda {

Function::Function(FunctionRecord record, std::shared_ptr<const CodeStore> code_store)
    : name_(record.configuration.name),
      origin_(record.origin),
      code_store_(std::move(code_store)),
      record_(std::make_shared<const FunctionRecord>(std::move(record))) {}

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

Result<Function::Code> Function::code() {
    std::optional<FileStamp> seen;
    if (!origin_.empty()) {
        if (auto stamp = FileStamp::of(origin_); stamp) seen = *stamp;
    }
    if (auto ready = loaded_code(seen)) return std::move(*ready);
    std::unique_lock loading(load_mutex_, std::try_to_lock);
    if (!loading.owns_lock()) {
        // Somebody loads already. With code in hand go on with that; without, wait.
        const std::unique_lock lock(mutex_);
        if (plugin_) return Code{plugin_, std::nullopt, false};
    }
    if (!loading.owns_lock()) loading.lock();
    if (auto ready = loaded_code(seen)) return std::move(*ready);
    const auto begin = std::chrono::steady_clock::now();
    auto loaded = load(seen);
    return adopt(std::move(loaded), seen, std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin));
}

std::optional<Function::Code> Function::loaded_code(const std::optional<FileStamp>& seen) const {
    const std::lock_guard lock(mutex_);
    // A file that is gone is no replacement.
    if (!plugin_ || (seen && seen != stamp_)) return std::nullopt;
    return Code{plugin_, std::nullopt, false};
}

Result<Function::Loaded> Function::load(const std::optional<FileStamp>& seen) const {
    const bool first = [this] {
        const std::lock_guard lock(mutex_);
        return plugin_ == nullptr;
    }();
    if (origin_.empty()) return load_copy();
    auto loaded =
        seen ? load_origin(*seen) : Result<Loaded>(Error(Errc::invalid_code, "`" + origin_.string() + "`: there is no such file"));
    if (loaded || !first || record()->object_sha256.empty()) return loaded;
    // After a restart the code that ran last is better than none.
    auto copy = load_copy();
    if (!copy) return loaded;
    logger("lambda").warn("the function's file does not load, its last copy runs function={} reason={}", name_.str(),
                          log_value(loaded.error().message));
    return copy;
}

Result<Function::Loaded> Function::load_origin(const FileStamp& seen) const {
    auto bytes = read_object(origin_, seen);
    if (!bytes) return bytes.error();
    if (auto sound = check_shared_object(*bytes); !sound) return in_context("`" + origin_.string() + "`", sound.error());
    auto installed = code_store_->install(name_, *bytes);
    if (!installed) return installed.error();
    auto plugin = Plugin::load(installed->file);
    if (!plugin) return in_context("`" + origin_.string() + "`", plugin.error());
    // The copy that the record names stays until the record names this one.
    code_store_->keep_only(name_, {installed->sha256, record()->object_sha256});
    return Loaded{std::move(*plugin), installed->sha256, bytes->size()};
}

Result<Function::Loaded> Function::load_copy() const {
    const auto known = record();
    const auto file = code_store_->path(name_, known->object_sha256);
    const auto stamp = FileStamp::of(file);
    if (!stamp) return stamp.error();
    auto bytes = read_object(file, *stamp);
    if (!bytes) return bytes.error();
    if (sha256(*bytes) != known->object_sha256) return Error(Errc::invalid_code, "`" + file.string() + "`: is not what was deployed");
    if (auto sound = check_shared_object(*bytes); !sound) return sound.error();
    auto plugin = Plugin::load(file);
    if (!plugin) return plugin.error();
    return Loaded{std::move(*plugin), known->object_sha256, bytes->size()};
}

Result<Function::Code> Function::adopt(Result<Loaded> loaded, const std::optional<FileStamp>& seen, std::chrono::microseconds took) {
    std::shared_ptr<const Plugin> unloaded;  // the last user of old code unloads it, not under the lock
    const std::lock_guard lock(mutex_);
    if (!loaded) {
        if (!plugin_) return loaded.error();  // the stamp stays unset: the next call tries again
        logger("lambda").warn("replacement does not load, the old code stays function={} reason={}", name_.str(),
                              log_value(loaded.error().message));
        stamp_ = seen;
        return Code{plugin_, std::nullopt, false};
    }
    stamp_ = seen;
    unloaded = std::exchange(plugin_, loaded->plugin);
    return Code{plugin_, took, update_record(*loaded)};
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
