/// A child process of a function: started clean (no descriptor, signal mask or environment of the server's), killed with everything it
/// started, reaped. It dies with the server, also after kill -9.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace fogbank::lambda {

/// Closes what it holds. Move-only.
class OwnedDescriptor {
  public:
    OwnedDescriptor() = default;
    explicit OwnedDescriptor(int number) : number_(number) {}
    ~OwnedDescriptor() { reset(); }
    OwnedDescriptor(OwnedDescriptor&& other) noexcept : number_(other.release()) {}
    OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept {
        reset(other.release());
        return *this;
    }
    OwnedDescriptor(const OwnedDescriptor&) = delete;
    OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;
    int number() const { return number_; }
    explicit operator bool() const { return number_ >= 0; }
    int release() {
        const int number = number_;
        number_ = -1;
        return number;
    }
    void reset(int number = -1);

  private:
    int number_ = -1;
};

class ChildProcess {
  public:
    struct Options {
        std::filesystem::path executable;
        std::vector<std::string> arguments;    ///< without the first, which is the executable
        std::vector<std::string> environment;  ///< `NAME=value`, all there is
        std::filesystem::path folder;          ///< to start in; empty: `/`
        int channel = -1;                      ///< becomes descriptor 3 of the child; stays the caller's
    };
    /// Its standard input is empty, its output and errors go to `output`. Errors: unavailable, with the system's reason.
    static Result<std::unique_ptr<ChildProcess>> spawn(const Options& options);
    /// Kills and reaps.
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    /// Readable once the process is dead.
    int exited() const { return exited_.number(); }
    /// What the process writes to its standard output and error output. Never blocks a reader.
    int output() const { return output_.number(); }

    /// Any thread, any number of times: SIGKILL to the process and what it started.
    void kill();
    /// Reaps a process that is dead or about to be, and says how it ended: `exit status 1`, `signal: segmentation fault`; empty for status
    /// 0.
    std::string wait();
    /// Memory that is the process's own, now. Nothing if it is gone.
    std::optional<std::size_t> memory_kb() const;
    pid_t pid() const { return pid_; }

  private:
    ChildProcess(pid_t pid, OwnedDescriptor exited, OwnedDescriptor output)
        : pid_(pid), exited_(std::move(exited)), output_(std::move(output)) {}
    const pid_t pid_;
    const OwnedDescriptor exited_, output_;
    std::mutex mutex_;  ///< guards what follows: a reaped number may belong to somebody else
    bool reaped_ = false;
    std::string ending_;
};

/// Cuts what a process writes into lines.
class LineBuffer {
  public:
    /// A longer line is passed on in pieces of this size. CloudWatch Logs takes events of 256 KB.
    static constexpr std::size_t line_bytes_max = 256 * 1024;

    /// Calls `sink` with each whole line, without its end.
    template <class Sink>
    void add(std::string_view bytes, Sink&& sink) {
        text_ += bytes;
        std::size_t begin = 0;
        for (std::size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n', begin)) {
            sink(std::string_view(text_).substr(begin, end - begin));
            begin = end + 1;
        }
        text_.erase(0, begin);
        if (text_.size() > line_bytes_max) flush(sink);
    }
    /// What is left without a line's end.
    template <class Sink>
    void flush(Sink&& sink) {
        if (!text_.empty()) sink(std::string_view(text_));
        text_.clear();
    }

  private:
    std::string text_;
};

}  // namespace fogbank::lambda
