#include "lambda/queue_window.h"

#include <utility>

namespace fogbank::lambda {

QueueWindow::~QueueWindow() {
    // An entry that waits for its turn and its lane own each other.
    for (const auto& [function, lane] : lanes_) lane->ready.clear();
}

std::shared_ptr<QueueLane> QueueWindow::lane(const FunctionName& function) {
    auto& slot = lanes_[function];
    if (!slot) slot = std::make_shared<QueueLane>(function);
    return slot;
}

void QueueWindow::forget(const FunctionName& function) {
    const auto found = lanes_.find(function);
    if (found == lanes_.end()) return;
    QueueLane& lane = *found->second;
    lane.forgotten = true;
    lane.ready.clear();
    std::erase_if(entries_, [&](const auto& known) { return known.second->lane == found->second; });
    bytes_ -= lane.window_bytes;
    backlog_events_ -= lane.backlog_events;
    backlog_bytes_ -= lane.backlog_bytes;
    lanes_.erase(found);
}

bool QueueWindow::accepts(std::size_t bytes) const {
    return backlog_events_ < policy_.backlog_events_max && backlog_bytes_ + bytes <= policy_.backlog_bytes_max;
}

void QueueWindow::count(const QueueEntry& entry) {
    if (entry.lane->forgotten) return;
    ++entry.lane->backlog_events;
    entry.lane->backlog_bytes += entry.bytes();
    ++backlog_events_;
    backlog_bytes_ += entry.bytes();
}

void QueueWindow::uncount(const QueueEntry& entry) {
    // Nothing counted: another server's event, that came after ours had counted the store.
    if (entry.lane->forgotten || entry.lane->backlog_bytes < entry.bytes()) return;
    --entry.lane->backlog_events;
    entry.lane->backlog_bytes -= entry.bytes();
    --backlog_events_;
    backlog_bytes_ -= entry.bytes();
}

bool QueueWindow::reserve(const QueueEntryPtr& entry) {
    QueueLane& lane = *entry->lane;
    if (lane.forgotten) return false;
    const bool fits = bytes_ + entry->bytes() <= policy_.window_bytes_max && entries_.size() < policy_.window_events_max &&
                      lane.window_bytes + entry->bytes() <= policy_.window_bytes_max / 2 &&
                      lane.window_events < policy_.window_events_max / 2;
    if (!fits && !entries_.empty()) return false;
    entries_.emplace(entry->key, entry);
    bytes_ += entry->bytes();
    ++lane.window_events;
    lane.window_bytes += entry->bytes();
    return true;
}

void QueueWindow::release(const QueueEntry& entry) {
    if (entries_.erase(entry.key) == 0) return;
    bytes_ -= entry.bytes();
    --entry.lane->window_events;
    entry.lane->window_bytes -= entry.bytes();
    if (scanning_) left_.insert(entry.key);
}

bool QueueWindow::has_room() const {
    return entries_.size() <= policy_.window_events_max / 2 && bytes_ <= policy_.window_bytes_max / 2;
}

void QueueWindow::end_scan() {
    scanning_ = false;
    left_.clear();
}

void QueueWindow::push_ready(const QueueEntryPtr& entry) {
    if (entry->lane->forgotten) return;
    entry->lane->ready.push_back(entry);
    if (std::exchange(entry->lane->in_turn, true)) return;
    turns_.push_back(entry->lane);
}

QueueEntryPtr QueueWindow::take_ready() {
    while (!turns_.empty()) {
        const auto lane = std::move(turns_.front());
        turns_.pop_front();
        lane->in_turn = false;
        if (lane->ready.empty()) continue;
        auto entry = std::move(lane->ready.front());
        lane->ready.pop_front();
        if (!lane->ready.empty()) {
            lane->in_turn = true;
            turns_.push_back(lane);
        }
        return entry;
    }
    return nullptr;
}

}  // namespace fogbank::lambda
