#include "lambda/worker_protocol.h"

#include <array>
#include <bit>
#include <cstring>

namespace fogbank::lambda {
namespace {

static_assert(std::endian::native == std::endian::little, "frames are little-endian and written as they lie in memory");

struct Shape {
    std::size_t numbers = 0, texts = 0;
};

/// How many fields a kind has; nothing for an unknown one.
std::optional<Shape> shape_of(FrameKind kind) {
    switch (kind) {
        case FrameKind::ready:
            return Shape{0, 0};
        case FrameKind::refused:
        case FrameKind::log:
            return Shape{0, 1};
        case FrameKind::invoke:
            return Shape{2, 3};
        case FrameKind::call:
            return Shape{2, 3};
        case FrameKind::reply:
            return Shape{1, 1};
        case FrameKind::result:
            return Shape{2, 1};
    }
    return std::nullopt;
}

template <class Number>
void append_number(std::string& out, Number number) {
    std::array<char, sizeof number> bytes;
    std::memcpy(bytes.data(), &number, sizeof number);
    out.append(bytes.data(), bytes.size());
}

template <class Number>
bool take_number(std::string_view& bytes, Number& number) {
    if (bytes.size() < sizeof number) return false;
    std::memcpy(&number, bytes.data(), sizeof number);
    bytes.remove_prefix(sizeof number);
    return true;
}

}  // namespace

void append_frame(std::string& out, FrameKind kind, std::initializer_list<std::uint64_t> numbers,
                  std::initializer_list<std::string_view> texts) {
    std::size_t size = 1 + 8 * numbers.size();
    for (const auto text : texts) size += 4 + text.size();
    out.reserve(out.size() + frame_head_bytes + size);
    append_number(out, static_cast<std::uint32_t>(size));
    out.push_back(static_cast<char>(kind));
    for (const std::uint64_t number : numbers) append_number(out, number);
    for (const auto text : texts) {
        append_number(out, static_cast<std::uint32_t>(text.size()));
        out += text;
    }
}

std::optional<std::size_t> frame_size(std::string_view bytes) {
    std::uint32_t size = 0;
    if (!take_number(bytes, size)) return std::nullopt;
    return frame_head_bytes + size;
}

std::optional<Frame> decode_frame(std::string_view bytes) {
    std::uint32_t size = 0;
    std::uint8_t kind = 0;
    if (!take_number(bytes, size) || size != bytes.size() || !take_number(bytes, kind)) return std::nullopt;
    Frame frame;
    frame.kind = static_cast<FrameKind>(kind);
    const auto shape = shape_of(frame.kind);
    if (!shape) return std::nullopt;
    for (std::size_t i = 0; i < shape->numbers; ++i) {
        if (!take_number(bytes, frame.numbers.emplace_back())) return std::nullopt;
    }
    for (std::size_t i = 0; i < shape->texts; ++i) {
        std::uint32_t length = 0;
        if (!take_number(bytes, length) || length > bytes.size()) return std::nullopt;
        frame.texts.push_back(bytes.substr(0, length));
        bytes.remove_prefix(length);
    }
    if (!bytes.empty()) return std::nullopt;
    return frame;
}

}  // namespace fogbank::lambda
