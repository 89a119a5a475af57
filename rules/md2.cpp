// MD2 (RFC 1319), which OpenSSL no longer has (declared in rules/functions.h).

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/encoding.h"
#include "rules/functions.h"

namespace fogbank::rules::sql {
namespace {

constexpr std::size_t block_bytes = 16;
using Block = std::array<std::uint8_t, block_bytes>;

/// RFC 1319, section 3.2: "constructed from the digits of pi".
constexpr std::array<std::uint8_t, 256> pi_digits{
    41,  46,  67,  201, 162, 216, 124, 1,   61,  54,  84,  161, 236, 240, 6,   19,  98,  167, 5,   243, 192, 199, 115, 140, 152, 147,
    43,  217, 188, 76,  130, 202, 30,  155, 87,  60,  253, 212, 224, 22,  103, 66,  111, 24,  138, 23,  229, 18,  190, 78,  196, 214,
    218, 158, 222, 73,  160, 251, 245, 142, 187, 47,  238, 122, 169, 104, 121, 145, 21,  178, 7,   63,  148, 194, 16,  137, 11,  34,
    95,  33,  128, 127, 93,  154, 90,  144, 50,  39,  53,  62,  204, 231, 191, 247, 151, 3,   255, 25,  48,  179, 72,  165, 181, 209,
    215, 94,  146, 42,  172, 86,  170, 198, 79,  184, 56,  210, 150, 164, 125, 182, 118, 252, 107, 226, 156, 116, 4,   241, 69,  157,
    112, 89,  100, 113, 135, 32,  134, 91,  207, 101, 230, 45,  168, 2,   27,  96,  37,  173, 174, 176, 185, 246, 28,  70,  97,  105,
    52,  64,  126, 15,  85,  71,  163, 35,  221, 81,  175, 58,  195, 92,  249, 206, 186, 197, 234, 38,  44,  83,  13,  110, 133, 40,
    132, 9,   211, 223, 205, 244, 65,  129, 77,  82,  106, 220, 55,  200, 108, 193, 171, 250, 36,  225, 123, 8,   12,  189, 177, 74,
    120, 136, 149, 139, 227, 99,  232, 109, 233, 203, 213, 254, 59,  0,   29,  57,  242, 239, 183, 14,  102, 88,  208, 228, 166, 119,
    114, 248, 235, 117, 75,  10,  49,  68,  80,  180, 143, 237, 31,  26,  219, 153, 141, 51,  159, 17,  131, 20};

class Md2 {
  public:
    void add(const Block& block) {
        update_checksum(block);
        mix(block);
    }
    std::string finish() {
        mix(checksum_);
        return hex_encode({reinterpret_cast<const char*>(state_.data()), block_bytes});
    }

  private:
    void update_checksum(const Block& block) {
        for (std::size_t i = 0; i < block_bytes; ++i) {
            checksum_[i] ^= pi_digits[block[i] ^ last_];
            last_ = checksum_[i];
        }
    }
    void mix(const Block& block) {
        for (std::size_t i = 0; i < block_bytes; ++i) {
            state_[block_bytes + i] = block[i];
            state_[2 * block_bytes + i] = static_cast<std::uint8_t>(state_[i] ^ block[i]);
        }
        std::uint8_t t = 0;
        for (std::uint8_t round = 0; round < 18; ++round) {
            for (std::uint8_t& byte : state_) {
                byte ^= pi_digits[t];
                t = byte;
            }
            t = static_cast<std::uint8_t>(t + round);
        }
    }

    std::array<std::uint8_t, 3 * block_bytes> state_{};
    Block checksum_{};
    std::uint8_t last_ = 0;
};

}  // namespace

std::string md2_hex(std::string_view text) {
    Md2 md2;
    for (; text.size() >= block_bytes; text.remove_prefix(block_bytes)) {
        Block block;
        std::copy_n(text.begin(), block_bytes, block.begin());
        md2.add(block);
    }
    Block last;
    last.fill(static_cast<std::uint8_t>(block_bytes - text.size()));
    std::copy(text.begin(), text.end(), last.begin());
    md2.add(last);
    return md2.finish();
}

}  // namespace fogbank::rules::sql
