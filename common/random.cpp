#include "common/random.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "common/encoding.h"

namespace fogbank {

std::uint64_t RandomSource::number() {
    std::array<std::uint8_t, 8> bytes{};
    fill(bytes);
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
}

std::string RandomSource::uuid() {
    std::array<std::uint8_t, 16> bytes{};
    fill(bytes);
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
    std::string hex = hex_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    for (const std::size_t at : {20U, 16U, 12U, 8U}) hex.insert(at, 1, '-');
    return hex;
}

std::string RandomSource::text(std::size_t count, std::string_view alphabet) {
    std::string out;
    out.reserve(count);
    while (out.size() < count) out.push_back(alphabet[number() % alphabet.size()]);
    return out;
}

namespace {

void fill_from_openssl(std::span<std::uint8_t> out) {
    // Without randomness no key and no identifier is safe; there is nothing sensible to go on with.
    if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) std::abort();
}

/// Bytes drawn ahead: a request identifier costs a copy and not a turn of the generator. What is given out is wiped.
struct Reserve {
    std::array<std::uint8_t, 2048> bytes;
    std::size_t used = bytes.size();
};

}  // namespace

void SystemRandom::fill(std::span<std::uint8_t> out) {
    constexpr std::size_t small = 64;
    if (out.size() > small) return fill_from_openssl(out);
    thread_local Reserve reserve;
    if (reserve.bytes.size() - reserve.used < out.size()) {
        fill_from_openssl(reserve.bytes);
        reserve.used = 0;
    }
    const auto next = std::span(reserve.bytes).subspan(reserve.used, out.size());
    std::copy(next.begin(), next.end(), out.begin());
    OPENSSL_cleanse(next.data(), next.size());
    reserve.used += out.size();
}

}  // namespace fogbank
