/// The acknowledgements that a connection owes, in the order of its PUBLISHes.
#pragma once

#include <cstdint>
#include <vector>

namespace fogbank::broker {

/// PUBACKs (PUBRECs for QoS 2) leave in the order in which the PUBLISHes came (MQTT-4.6.0-2), however late each one's holds are released. A
/// ring that grows to the in-flight limit of the connection and is given back when it is empty.
class AckQueue {
  public:
    /// @return the sequence number to complete it with.
    std::uint64_t push(std::uint16_t packet_id, bool qos2 = false) {
        if (size() == ring_.size()) grow();
        slot(last_) = {packet_id, 0, false, qos2};
        return last_++;
    }
    /// Any order, once each. @param reason_code  of MQTT 5.
    void complete(std::uint64_t sequence, std::uint8_t reason_code = 0) {
        slot(sequence).done = true;
        slot(sequence).reason_code = reason_code;
    }

    struct Entry {
        std::uint16_t packet_id = 0;
        std::uint8_t reason_code = 0;
        bool done = false, qos2 = false;
    };
    /// Calls `send(entry)` for each that is complete and has nothing incomplete before it.
    template <class Send>
    void drain(Send&& send) {
        while (first_ != last_ && slot(first_).done) {
            const Entry entry = slot(first_++);
            send(entry);
        }
        if (first_ == last_ && ring_.size() > ring_kept) std::vector<Entry>().swap(ring_);
    }

    std::size_t size() const { return static_cast<std::size_t>(last_ - first_); }
    bool empty() const { return first_ == last_; }

  private:
    static constexpr std::size_t ring_first = 8, ring_kept = 256;

    Entry& slot(std::uint64_t sequence) { return ring_[sequence & (ring_.size() - 1)]; }
    void grow() {
        std::vector<Entry> larger(ring_.empty() ? ring_first : ring_.size() * 2);
        for (std::uint64_t i = first_; i != last_; ++i) larger[i & (larger.size() - 1)] = slot(i);
        ring_.swap(larger);
    }

    std::vector<Entry> ring_;  ///< the size is a power of two
    std::uint64_t first_ = 0, last_ = 0;
};

}  // namespace fogbank::broker
