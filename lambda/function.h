/// One version of a function: its stored record, its loaded code and its warm environments.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include "lambda/code_store.h"
#include "lambda/environment_pool.h"
#include "lambda/function_record.h"
#include "lambda/plugin.h"

namespace fogbank::lambda {

/// Starts processes for functions. Any thread; may block.
class EnvironmentStarter {
  public:
    virtual ~EnvironmentStarter() = default;
    /// Errors: invalid_code, when the server has no interpreter for the runtime; unavailable.
    virtual Result<std::unique_ptr<Environment>> start(const FunctionRecord& record, const std::filesystem::path& code) const = 0;
};

/// Any thread. Shared with the invocations that run, so that updating or deleting the function takes nothing away under them: an update
/// makes a new object. What changes is the code of a function that lies in a file or folder of the server's disk.
class Function {
  public:
    Function(FunctionRecord record, std::shared_ptr<const CodeStore> code_store, std::shared_ptr<const EnvironmentStarter> starter);
    ~Function();
    Function(const Function&) = delete;
    Function& operator=(const Function&) = delete;

    /// What to call now.
    struct Code {
        std::shared_ptr<const Plugin> plugin;                    ///< set if the function runs inside the server
        std::filesystem::path path;                              ///< otherwise: the object or folder to start an environment from
        std::string identity;                                    ///< for the pool of environments
        std::optional<std::chrono::microseconds> init_duration;  ///< set if this call loaded it
        bool replaced = false;  ///< this call found another object than the record names; the record is changed
    };
    /// Loads the code on first use; looks, by one stat at most every look_interval, whether the file it came from was replaced, and loads
    /// it again. A replacement that does not load is logged once and the loaded code stays. While one thread loads a replacement the others
    /// go on with the old code. Code of a worker is loaded by a worker, which then is the first warm one. Blocks on the disk when it loads.
    /// Errors: invalid_code, when nothing is loaded and nothing can be.
    Result<Code> code();

    /// A warm environment, or a new one that is not ready yet. Errors: those of EnvironmentStarter.
    struct Taken {
        std::unique_ptr<Environment> environment;
        bool fresh = false;
    };
    Result<Taken> take_environment(const Code& code);
    EnvironmentPool& environments() { return environments_; }

    /// Runs inside the server, and its last invocation took so little that its caller had better not go to sleep.
    bool quick() const { return in_process_ && last_took_.load(std::memory_order_relaxed) < quick_limit; }
    void set_last_took(std::chrono::nanoseconds time) { last_took_.store(time, std::memory_order_relaxed); }

    std::shared_ptr<const FunctionRecord> record() const;
    /// Marks the record as changed after `replaced`.
    void set_revision(std::string revision_id, WallTime modified_at);

  private:
    static constexpr std::chrono::nanoseconds quick_limit = std::chrono::microseconds(10);
    struct Loaded {
        std::shared_ptr<const Plugin> plugin;
        std::filesystem::path path;
        std::string sha256;
        std::size_t bytes = 0;
        std::unique_ptr<Environment> environment;  ///< that was started to see whether the code loads
    };
    /// A look at the disk costs as much as a small invocation. Nobody can replace a file and ask for it within this time.
    static constexpr std::chrono::microseconds look_interval{50};
    std::optional<Code> lately_seen();
    std::optional<FileStamp> origin_stamp() const;
    std::optional<Code> loaded_code(const std::optional<FileStamp>& seen) const;
    Result<Loaded> load(const std::optional<FileStamp>& seen) const;
    Result<Loaded> load_origin(const FileStamp& seen) const;
    Result<Loaded> load_copy() const;
    Result<Loaded> try_out(Loaded loaded) const;
    Result<Code> adopt(Result<Loaded> loaded, const std::optional<FileStamp>& seen, std::chrono::microseconds took);
    bool update_record(const Loaded& loaded);
    void pin(const std::string& sha256);
    Code current(std::optional<std::chrono::microseconds> init_duration, bool replaced) const;

    const FunctionName name_;
    const std::filesystem::path origin_;
    const bool in_process_, package_;
    const std::shared_ptr<const CodeStore> code_store_;
    const std::shared_ptr<const EnvironmentStarter> starter_;
    EnvironmentPool environments_;
    std::atomic<std::chrono::nanoseconds> last_took_ = std::chrono::nanoseconds::max();
    std::mutex load_mutex_;     ///< held while loading; taken before mutex_
    mutable std::mutex mutex_;  ///< guards what follows
    std::shared_ptr<const FunctionRecord> record_;
    bool loaded_ = false;
    std::shared_ptr<const Plugin> plugin_;
    std::filesystem::path path_;
    std::string identity_;
    std::string pinned_;  ///< content that stays on the disk as long as this object lives
    std::chrono::steady_clock::time_point looked_at_{};
    std::optional<FileStamp> stamp_;  ///< of the origin when it was last looked into, whether it loaded or not
};

}  // namespace fogbank::lambda
