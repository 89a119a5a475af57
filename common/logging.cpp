#include "common/logging.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <map>
#include <mutex>

namespace fogbank {
namespace {

struct Loggers {
    std::mutex mutex;
    std::map<std::string, std::shared_ptr<spdlog::logger>, std::less<>> by_room;
    std::shared_ptr<spdlog::sinks::sink> sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    spdlog::level::level_enum level = spdlog::level::info;
};

// Loggers are the one allowed global (style.md, section 3).
Loggers& loggers() {
    static Loggers instance;
    return instance;
}

}  // namespace

void configure_logging(std::string_view level) {
    Loggers& all = loggers();
    const std::lock_guard lock(all.mutex);
    all.level = spdlog::level::from_str(std::string(level));
    for (auto& [room, logger] : all.by_room) logger->set_level(all.level);
}

spdlog::logger& logger(std::string_view room) {
    Loggers& all = loggers();
    const std::lock_guard lock(all.mutex);
    auto found = all.by_room.find(room);
    if (found == all.by_room.end()) {
        auto made = std::make_shared<spdlog::logger>(std::string(room), all.sink);
        made->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %n: %v");
        made->set_level(all.level);
        made->flush_on(spdlog::level::warn);
        found = all.by_room.emplace(std::string(room), std::move(made)).first;
    }
    return *found->second;
}

std::string log_value(std::string_view value) {
    const bool cut = value.size() > 200;
    bool plain = !value.empty() && !cut;
    for (const char c : value) plain = plain && c > ' ' && c != '"' && c != '=' && c != '\x7f';
    if (plain) return std::string(value);
    std::string out = "\"";
    for (const char c : value.substr(0, 200)) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c);
    }
    out += cut ? "…\"" : "\"";
    return out;
}

}  // namespace fogbank
