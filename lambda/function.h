/// One function: its stored record and its loaded code.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include "lambda/code_store.h"
#include "lambda/function_record.h"
#include "lambda/plugin.h"

namespace fogbank::lambda {

/// Any thread. Shared with the invocations that run, so that deleting the function takes nothing away under them.
class Function {
  public:
    /// @param code_store  must outlive this.
    Function(FunctionRecord record, std::shared_ptr<const CodeStore> code_store);

    /// What to call now.
    struct Code {
        std::shared_ptr<const Plugin> plugin;
        std::optional<std::chrono::microseconds> init_duration;  ///< set if this call loaded it
        bool replaced = false;  ///< this call found another object than the record names; the record is changed
    };
    /// Loads the code on first use; looks, by one stat, whether the file it came from was replaced, and loads it again. A replacement that
    /// does not load is logged once and the loaded code stays. While one thread loads a replacement the others go on with the old code.
    /// Blocks on the disk when it loads. Errors: invalid_code, when nothing is loaded and nothing can be.
    Result<Code> code();

    std::shared_ptr<const FunctionRecord> record() const;
    /// Marks the record as changed after `replaced`.
    void set_revision(std::string revision_id, WallTime modified_at);

  private:
    struct Loaded {
        std::shared_ptr<const Plugin> plugin;
        std::string sha256;
        std::size_t bytes = 0;
    };
    std::optional<Code> loaded_code(const std::optional<FileStamp>& seen) const;
    Result<Loaded> load(const std::optional<FileStamp>& seen) const;
    Result<Loaded> load_origin(const FileStamp& seen) const;
    Result<Loaded> load_copy() const;
    Result<Code> adopt(Result<Loaded> loaded, const std::optional<FileStamp>& seen, std::chrono::microseconds took);
    bool update_record(const Loaded& loaded);

    const FunctionName name_;
    const std::filesystem::path origin_;
    const std::shared_ptr<const CodeStore> code_store_;
    std::mutex load_mutex_;     ///< held while loading; taken before mutex_
    mutable std::mutex mutex_;  ///< guards what follows
    std::shared_ptr<const FunctionRecord> record_;
    std::shared_ptr<const Plugin> plugin_;
    std::optional<FileStamp> stamp_;  ///< of the origin when it was last looked into, whether it loaded or not
};

}  // namespace fogbank::lambda
