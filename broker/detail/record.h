/// Values in the store as bytes: big-endian numbers, texts with their length. What is read was written by this room; a record that ends
/// early makes the reader fail, never read outside.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fogbank::broker::detail {

class RecordWriter {
  public:
    RecordWriter& number(std::uint64_t value) {
        for (int shift = 56; shift >= 0; shift -= 8) out_.push_back(static_cast<char>(static_cast<std::uint8_t>(value >> shift)));
        return *this;
    }
    RecordWriter& byte(unsigned value) {
        out_.push_back(static_cast<char>(static_cast<std::uint8_t>(value)));
        return *this;
    }
    RecordWriter& text(std::string_view value) {
        number(value.size());
        out_.append(value);
        return *this;
    }
    std::string take() { return std::move(out_); }

  private:
    std::string out_;
};

class RecordReader {
  public:
    explicit RecordReader(std::string_view record) : rest_(record) {}
    std::uint64_t number() {
        std::uint64_t value = 0;
        for (const char c : take(8)) value = value << 8U | static_cast<std::uint8_t>(c);
        return value;
    }
    unsigned byte() {
        const std::string_view one = take(1);
        return one.empty() ? 0U : static_cast<std::uint8_t>(one.front());
    }
    std::string_view text() { return take(number()); }
    /// Whether the record was as long as what was read from it.
    bool good() const { return good_; }

  private:
    std::string_view take(std::uint64_t bytes) {
        if (bytes > rest_.size()) {
            good_ = false;
            rest_ = {};
            return {};
        }
        const std::string_view taken = rest_.substr(0, bytes);
        rest_.remove_prefix(bytes);
        return taken;
    }
    std::string_view rest_;
    bool good_ = true;
};

}  // namespace fogbank::broker::detail
