#include "lambda/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "lambda/errc.h"

namespace fogbank::lambda {
namespace {

/// The first descriptor that a child does not get: 0 to 2, and the channel.
constexpr int channel_number = 3;

Error failed(std::string_view what, int number) {
    return {Errc::unavailable, std::string(what) + ": " + std::generic_category().message(number)};
}

/// Frees what posix_spawn wants prepared.
struct SpawnActions {
    SpawnActions() {
        posix_spawn_file_actions_init(&files);
        posix_spawnattr_init(&attributes);
    }
    ~SpawnActions() {
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
    }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
};

void prepare(SpawnActions& actions, const ChildProcess::Options& options, int output) {
    posix_spawn_file_actions_addopen(&actions.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions.files, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions.files, output, STDERR_FILENO);
    if (options.channel >= 0) posix_spawn_file_actions_adddup2(&actions.files, options.channel, channel_number);
    posix_spawn_file_actions_addclosefrom_np(&actions.files, options.channel >= 0 ? channel_number + 1 : channel_number);
    posix_spawn_file_actions_addchdir_np(&actions.files, options.folder.empty() ? "/" : options.folder.c_str());
    // The server blocks and ignores signals; a child starts as from a shell, in a session of its own, so that all of it can be killed.
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&actions.attributes, &none);
    posix_spawnattr_setsigdefault(&actions.attributes, &all);
    posix_spawnattr_setflags(&actions.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
}

/// As Go's runtime, and with it AWS, names them.
std::string signal_name(int number) {
    switch (number) {
        case SIGKILL:
            return "killed";
        case SIGTERM:
            return "terminated";
        case SIGSEGV:
            return "segmentation fault";
        case SIGABRT:
            return "aborted";
        case SIGBUS:
            return "bus error";
        case SIGFPE:
            return "floating point exception";
        case SIGILL:
            return "illegal instruction";
        case SIGTRAP:
            return "trace/breakpoint trap";
        default:
            return "signal " + std::to_string(number);
    }
}

std::string ending_of(int status) {
    if (WIFSIGNALED(status)) return "signal: " + signal_name(WTERMSIG(status));
    return WEXITSTATUS(status) == 0 ? std::string() : "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

void OwnedDescriptor::reset(int number) {
    if (number_ >= 0) ::close(number_);
    number_ = number;
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::spawn(const Options& options) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failed("a pipe for a function", errno);
    OwnedDescriptor output(ends[0]);
    const OwnedDescriptor written(ends[1]);
    ::fcntl(output.number(), F_SETFL, O_NONBLOCK);
    SpawnActions actions;
    prepare(actions, options, written.number());
    std::vector<std::string> arguments{options.executable.string()};
    arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
    std::vector<std::string> environment = options.environment;
    pid_t pid = -1;
    const int problem = ::posix_spawn(&pid, options.executable.c_str(), &actions.files, &actions.attributes, pointers(arguments).data(),
                                      pointers(environment).data());
    if (problem != 0) return failed("`" + options.executable.string() + "`", problem);
    OwnedDescriptor exited(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    const int problem_of_watch = exited ? 0 : errno;
    std::unique_ptr<ChildProcess> child(new ChildProcess(pid, std::move(exited), std::move(output)));
    if (problem_of_watch != 0) return failed("watching a function's process", problem_of_watch);
    return child;
}

ChildProcess::~ChildProcess() {
    kill();
    wait();
}

void ChildProcess::kill() {
    const std::lock_guard lock(mutex_);
    if (reaped_) return;
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
}

std::string ChildProcess::wait() {
    const std::lock_guard lock(mutex_);
    if (reaped_) return ending_;
    int status = 0;
    pid_t got = -1;
    do {
        got = ::waitpid(pid_, &status, 0);
    } while (got < 0 && errno == EINTR);
    // What it left behind in its session goes as well; the number is ours as long as one of them lives.
    ::kill(-pid_, SIGKILL);
    reaped_ = true;
    if (got == pid_) ending_ = ending_of(status);
    return ending_;
}

std::optional<std::size_t> ChildProcess::memory_kb() const {
    const std::string name = "/proc/" + std::to_string(pid_) + "/statm";
    const OwnedDescriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 128> text{};
    if (!file || ::read(file.number(), text.data(), text.size() - 1) <= 0) return std::nullopt;
    unsigned long size = 0;
    unsigned long resident = 0;
    unsigned long shared = 0;
    if (std::sscanf(text.data(), "%lu %lu %lu", &size, &resident, &shared) != 3) return std::nullopt;
    // Pages of files are shared with everybody else who runs the same program.
    return (resident - std::min(resident, shared)) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

}  // namespace fogbank::lambda
