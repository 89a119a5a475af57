/// The packet ids of QoS 1 messages that a client has not acknowledged yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fogbank::broker {

/// A table indexed by the id's low bits, so that taking and releasing an id cost one look-up in whatever order the PUBACKs come. Ids differ
/// in their low bits by construction: one whose place is taken is skipped. Grows with the number in flight and is given back when nothing
/// is.
class PacketIdWindow {
  public:
    /// A free id, never 0. Not to be called with 65,535 ids taken.
    std::uint16_t take() {
        if (count_ * 2 >= places_.size()) grow();
        do {
            next_ = next_ == 0xFFFF ? 1 : static_cast<std::uint16_t>(next_ + 1);
        } while (place(next_) != 0);
        place(next_) = next_;
        ++count_;
        return next_;
    }

    /// Takes this very id: one that was in flight before a restart. @return false if it is taken.
    bool claim(std::uint16_t id) {
        if (id == 0) return false;
        while (places_.empty() || count_ * 2 >= places_.size() || (place(id) != 0 && place(id) != id)) {
            if (places_.size() == places_max) break;
            grow();
        }
        if (place(id) != 0) return false;
        place(id) = id;
        ++count_;
        return true;
    }

    /// @return false if `id` is not in flight: the client acknowledged what was never sent, or twice.
    bool release(std::uint16_t id) {
        if (id == 0 || places_.empty() || place(id) != id) return false;
        place(id) = 0;
        if (--count_ == 0 && places_.size() > places_kept) std::vector<std::uint16_t>().swap(places_);
        return true;
    }

    std::size_t size() const { return count_; }
    void clear() {
        count_ = 0;
        std::vector<std::uint16_t>().swap(places_);
    }

  private:
    static constexpr std::size_t places_first = 16, places_kept = 256, places_max = 65536;

    std::uint16_t& place(std::uint16_t id) { return places_[id & (places_.size() - 1)]; }
    void grow() {
        if (places_.size() == places_max) return;
        std::vector<std::uint16_t> old(places_.empty() ? places_first : places_.size() * 2);
        old.swap(places_);
        // Two ids that differ in their low bits differ in more of them, too: no two meet in one place.
        for (const std::uint16_t id : old) {
            if (id != 0) place(id) = id;
        }
    }

    std::vector<std::uint16_t> places_;  ///< the size is a power of two
    std::size_t count_ = 0;
    std::uint16_t next_ = 0;
};

}  // namespace fogbank::broker
