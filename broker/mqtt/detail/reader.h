/// Reads the fields of one packet in order, within its bounds.
#pragma once

#include <cstdint>
#include <string_view>

#include "broker/mqtt/packet.h"
#include "common/result.h"

namespace fogbank::broker::mqtt::detail {

/// The first thing that is wrong is kept; from then on reads give zeros and empty text, so a decoder reads straight on and asks once at the
/// end. The texts passed in have static storage. Views that are given out point into the packet.
class Reader {
  public:
    /// @param packet_name  `CONNECT` …, for error texts.
    /// @param body  variable header and payload.
    Reader(std::string_view packet_name, std::string_view body) : packet_name_(packet_name), rest_(body) {}

    std::uint8_t byte(std::string_view field);
    std::uint16_t number(std::string_view field);       ///< two bytes, big-endian (section 1.5.2)
    std::uint32_t long_number(std::string_view field);  ///< four bytes (MQTT 5, section 1.5.3)
    std::uint32_t variable(std::string_view field);     ///< a variable byte integer (MQTT 5, section 1.5.5)
    std::string_view take(std::size_t bytes, std::string_view field);
    std::string_view binary(std::string_view field);  ///< two bytes of length, then as many bytes
    /// Checked for form and U+0000 (section 1.5.3). @param clause  the one that makes this field UTF-8.
    std::string_view text(std::string_view field, std::string_view clause);
    std::uint16_t packet_id();  ///< not 0 (MQTT-2.3.1-1)
    std::string_view rest();    ///< everything that is left
    std::size_t left() const { return rest_.size(); }

    bool at_end() const { return rest_.empty(); }
    bool failed() const { return !why_.empty(); }
    /// Records a failure unless there is one already.
    void fail(std::string_view field, std::string_view why, std::string_view clause);
    void fail_with(Errc code, std::string_view field, std::string_view why, std::string_view clause);

    /// `packet` if nothing was wrong and nothing is left over.
    template <class Packet>
    Result<ClientPacket> finish(Packet&& packet) {
        if (!failed() && !at_end()) fail("", "bytes after the end of the packet's last field", "section 2.2.3");
        if (failed()) return error();
        return ClientPacket(std::forward<Packet>(packet));
    }
    Error error() const;
    std::string_view packet_name() const { return packet_name_; }
    /// What was wrong in a part of the packet is wrong with the packet.
    void adopt_failure(const Reader& part) { fail_with(part.code_, part.field_, part.why_, part.clause_); }

  private:
    bool has(std::size_t bytes, std::string_view field);

    std::string_view packet_name_, rest_;
    Errc code_ = Errc::malformed;
    std::string_view field_, why_, clause_;
};

}  // namespace fogbank::broker::mqtt::detail
