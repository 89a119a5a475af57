#include "common/metrics.h"

namespace fogbank {

Metrics::Family& Metrics::family(std::string_view name, std::string_view help) {
    auto found = families_.find(name);
    if (found == families_.end()) {
        found = families_.emplace(std::string(name), Family()).first;
        found->second.help = help;
    }
    return found->second;
}

Counter& Metrics::counter(std::string_view name, std::string_view help, std::string_view labels) {
    const std::lock_guard lock(mutex_);
    auto& slot = family(name, help).counters[std::string(labels)];
    if (!slot) slot = std::make_unique<Counter>();
    return *slot;
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, std::string_view labels) {
    const std::lock_guard lock(mutex_);
    auto& slot = family(name, help).gauges[std::string(labels)];
    if (!slot) slot = std::make_unique<Gauge>();
    return *slot;
}

std::string Metrics::text() const {
    const std::lock_guard lock(mutex_);
    std::string out;
    const auto line = [&](const std::string& name, const std::string& labels, const std::string& value) {
        out += name;
        if (!labels.empty()) out += "{" + labels + "}";
        out += " " + value + "\n";
    };
    for (const auto& [name, family] : families_) {
        out += "# HELP " + name + " " + family.help + "\n# TYPE " + name + (family.counters.empty() ? " gauge\n" : " counter\n");
        for (const auto& [labels, counter] : family.counters) line(name, labels, std::to_string(counter->value()));
        for (const auto& [labels, gauge] : family.gauges) line(name, labels, std::to_string(gauge->value()));
    }
    return out;
}

}  // namespace fogbank
