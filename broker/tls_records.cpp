#include "broker/tls_records.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace fogbank::broker {
namespace {

constexpr std::size_t header_bytes = 5, tag_bytes = 16, nonce_bytes = 12;
constexpr std::size_t plaintext_bytes_max = 16 * 1024;                                        // RFC 8446, section 5.1
constexpr std::size_t payload_bytes_max = plaintext_bytes_max + 256;                          // section 5.2
constexpr std::size_t sealed_bytes_max = header_bytes + plaintext_bytes_max + 1 + tag_bytes;  // as sealed here, without padding
constexpr std::size_t read_bytes = 64 * 1024;                                                 // of one system call
constexpr std::size_t records_per_write = 4;                                                  // in one system call
constexpr std::uint64_t records_per_key_max = std::uint64_t{1} << 24;                         // section 5.5: 2^24.5 for AES-GCM
// Each costs three HMACs; who updates for every few bytes wants to keep the shard busy.
constexpr std::uint8_t key_updates_per_read_max = 4;
constexpr unsigned char alert_type = 21, handshake_type = 22, application_data_type = 23;
constexpr unsigned char close_notify = 0, unexpected_message = 10, bad_record_mac = 20, record_overflow = 22, internal_error = 80;
constexpr unsigned char key_update_message = 24;

/// What a thread works in; free between calls.
struct Scratch {
    std::vector<char> in = std::vector<char>(read_bytes + header_bytes + payload_bytes_max);
    std::vector<char> out = std::vector<char>((records_per_write + 1) * sealed_bytes_max);
};
Scratch& scratch() {
    thread_local Scratch instance;
    return instance;
}

bool would_block(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

std::array<unsigned char, nonce_bytes> nonce_of(const std::array<unsigned char, nonce_bytes>& iv, std::uint64_t sequence) {
    std::array<unsigned char, nonce_bytes> nonce = iv;
    for (std::size_t i = 0; i < 8; ++i) nonce[nonce_bytes - 1 - i] ^= static_cast<unsigned char>(sequence >> (8 * i));
    return nonce;
}

}  // namespace

TlsRecords::Direction::~Direction() {
    OPENSSL_cleanse(secret.data(), secret.size());
}

TlsRecords::~TlsRecords() = default;

const TlsRecords::Suite* TlsRecords::find_suite(std::uint16_t number) {
    static const std::array<Suite, 3> suites{{{0x1301, EVP_aes_128_gcm, EVP_sha256, 16, 32},
                                              {0x1302, EVP_aes_256_gcm, EVP_sha384, 32, 48},
                                              {0x1303, EVP_chacha20_poly1305, EVP_sha256, 32, 32}}};
    const auto found = std::find_if(suites.begin(), suites.end(), [number](const Suite& suite) { return suite.number == number; });
    return found == suites.end() ? nullptr : &*found;
}

std::unique_ptr<TlsRecords> TlsRecords::create(std::uint16_t suite_number, const TlsTrafficSecrets& secrets) {
    const Suite* suite = find_suite(suite_number);
    if (suite == nullptr) return nullptr;
    std::unique_ptr<TlsRecords> records(new TlsRecords(*suite));
    const bool good = records->begin(records->reading_, secrets.client, false) && records->begin(records->writing_, secrets.server, true);
    return good ? std::move(records) : nullptr;
}

bool TlsRecords::begin(Direction& direction, std::string_view secret, bool seals) {
    if (secret.size() != suite_.secret_bytes) return false;
    std::memcpy(direction.secret.data(), secret.data(), secret.size());
    direction.context.reset(EVP_CIPHER_CTX_new());
    return direction.context != nullptr &&
           EVP_CipherInit_ex(direction.context.get(), suite_.cipher(), nullptr, nullptr, nullptr, seals ? 1 : 0) == 1 &&
           derive_keys(direction, seals);
}

/// HKDF-Expand-Label with an empty context. Source: RFC 8446, section 7.1; RFC 5869: no output here is longer than one block of the hash.
bool TlsRecords::expand_label(const Direction& direction, std::string_view label, unsigned char* out, std::size_t size) const {
    std::string info;
    info += '\0';
    info += static_cast<char>(size);
    info += static_cast<char>(6 + label.size());
    info.append("tls13 ").append(label);
    info += '\0';
    info += '\x01';
    std::array<unsigned char, EVP_MAX_MD_SIZE> block{};
    unsigned block_bytes = 0;
    const bool good = HMAC(suite_.hash(), direction.secret.data(), suite_.secret_bytes, reinterpret_cast<const unsigned char*>(info.data()),
                           info.size(), block.data(), &block_bytes) != nullptr &&
                      block_bytes >= size;
    if (good) std::memcpy(out, block.data(), size);
    OPENSSL_cleanse(block.data(), block.size());
    return good;
}

bool TlsRecords::derive_keys(Direction& direction, bool seals) {
    std::array<unsigned char, 32> key{};
    const bool good = expand_label(direction, "key", key.data(), suite_.key_bytes) &&
                      expand_label(direction, "iv", direction.iv.data(), nonce_bytes) &&
                      EVP_CipherInit_ex(direction.context.get(), nullptr, nullptr, key.data(), nullptr, seals ? 1 : 0) == 1;
    OPENSSL_cleanse(key.data(), key.size());
    direction.sequence = 0;
    return good;
}

bool TlsRecords::update_keys(Direction& direction, bool seals) {
    std::array<unsigned char, 48> next{};
    const bool good = expand_label(direction, "traffic upd", next.data(), suite_.secret_bytes);
    direction.secret = next;
    OPENSSL_cleanse(next.data(), next.size());
    return good && derive_keys(direction, seals);
}

IoResult TlsRecords::read(int descriptor, char* to, std::size_t size) {
    std::size_t filled = std::min(size, plain_.size());
    std::memcpy(to, plain_.data(), filled);
    plain_.erase(0, filled);
    if (plain_.empty()) std::string().swap(plain_);
    bool drained = false;
    key_updates_ = 0;
    // At least one byte, the end, or nothing to be had: records may be empty, or none of the reader's business.
    while (filled == 0 && end_ == IoResult::Status::done) {
        if (drained) return {IoResult::Status::would_block, 0, false};
        std::vector<char>& in = scratch().in;
        const std::size_t kept = partial_.size();
        std::memcpy(in.data(), partial_.data(), kept);
        const ssize_t got = ::recv(descriptor, in.data() + kept, read_bytes, 0);
        if (got < 0 && would_block(errno)) return {IoResult::Status::would_block, 0, false};
        if (got == 0) {
            end_ = IoResult::Status::closed;  // close_notify is often left out
            break;
        }
        if (got < 0) {
            failure_ = std::strerror(errno);
            end_ = IoResult::Status::failed;
            ended_ = true;
            break;
        }
        drained = static_cast<std::size_t>(got) < read_bytes;
        const std::size_t count = kept + static_cast<std::size_t>(got);
        const std::size_t opened = open_records(in.data(), count, to, size, filled);
        if (opened == count) {
            std::string().swap(partial_);
        } else {
            partial_.assign(in.data() + opened, count - opened);
        }
    }
    if (filled == 0) return end_result();
    return {IoResult::Status::done, filled, drained && plain_.empty() && end_ == IoResult::Status::done};
}

std::size_t TlsRecords::open_records(char* bytes, std::size_t count, char* to, std::size_t size, std::size_t& filled) {
    std::size_t at = 0;
    while (end_ == IoResult::Status::done && count - at >= header_bytes) {
        const auto byte = [&](std::size_t offset) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at + offset])); };
        const std::size_t payload = byte(3) << 8 | byte(4);
        if (byte(0) != application_data_type || byte(1) != 3) return fail("a record that is not protected", unexpected_message), count;
        if (payload > payload_bytes_max) return fail("a record that is too large", record_overflow), count;
        if (count - at < header_bytes + payload) return at;
        const std::size_t opened = open(bytes + at, payload);
        if (opened == 0) return fail("a record that was not sealed by the peer", bad_record_mac), count;
        const char* content = bytes + at + header_bytes;
        std::size_t end = opened;
        while (end != 0 && content[end - 1] == 0) --end;  // padding
        at += header_bytes + payload;
        if (end == 0) return fail("a record without a type", unexpected_message), count;
        if (end - 1 > plaintext_bytes_max) return fail("a record that is too large", record_overflow), count;
        take_content(static_cast<unsigned char>(content[end - 1]), content, end - 1, to, size, filled);
    }
    return end_ == IoResult::Status::done ? at : count;
}

std::size_t TlsRecords::open(char* record, std::size_t payload_bytes) {
    if (payload_bytes <= tag_bytes || reading_.sequence == UINT64_MAX) return 0;
    EVP_CIPHER_CTX* context = reading_.context.get();
    auto* header = reinterpret_cast<unsigned char*>(record);
    unsigned char* sealed = header + header_bytes;
    const int sealed_bytes = static_cast<int>(payload_bytes - tag_bytes);
    const auto nonce = nonce_of(reading_.iv, reading_.sequence++);
    int size = 0, last = 0;
    const bool good = EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
                      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_bytes, sealed + sealed_bytes) == 1 &&
                      EVP_DecryptUpdate(context, nullptr, &size, header, header_bytes) == 1 &&
                      EVP_DecryptUpdate(context, sealed, &size, sealed, sealed_bytes) == 1 &&
                      EVP_DecryptFinal_ex(context, sealed + size, &last) == 1;
    return good ? static_cast<std::size_t>(sealed_bytes) : 0;
}

void TlsRecords::take_content(unsigned char type, const char* content, std::size_t bytes, char* to, std::size_t size, std::size_t& filled) {
    if (type == application_data_type) {
        const std::size_t fits = std::min(bytes, size - filled);
        std::memcpy(to + filled, content, fits);
        filled += fits;
        plain_.append(content + fits, bytes - fits);
        return;
    }
    if (type == handshake_type) return take_handshake(std::string_view(content, bytes));
    if (type != alert_type || bytes != 2) return fail("a record of an unknown type", unexpected_message);
    const auto code = static_cast<unsigned char>(content[1]);
    end_ = code == close_notify ? IoResult::Status::closed : IoResult::Status::failed;
    if (code != close_notify) failure_ = "the peer sent TLS alert " + std::to_string(code), ended_ = true;
}

/// Only KeyUpdate may come, alone in its record: keys change at records' boundaries.
void TlsRecords::take_handshake(std::string_view message) {
    const bool is_update = message.size() == 5 && static_cast<unsigned char>(message[0]) == key_update_message && message[1] == 0 &&
                           message[2] == 0 && message[3] == 1 && static_cast<unsigned char>(message[4]) <= 1;
    if (!is_update) return fail("a handshake message that is not KeyUpdate", unexpected_message);
    if (++key_updates_ > key_updates_per_read_max) return fail("too many key updates", unexpected_message);
    if (!update_keys(reading_, false)) return fail("the keys could not be updated", internal_error);
    key_update_owed_ = key_update_owed_ || message[4] == 1;
}

std::size_t TlsRecords::seal(char* out, unsigned char type, const char* content, std::size_t bytes) {
    EVP_CIPHER_CTX* context = writing_.context.get();
    auto* header = reinterpret_cast<unsigned char*>(out);
    const std::size_t payload = bytes + 1 + tag_bytes;
    header[0] = application_data_type;
    header[1] = 3;
    header[2] = 3;
    header[3] = static_cast<unsigned char>(payload >> 8);
    header[4] = static_cast<unsigned char>(payload);
    unsigned char* sealed = header + header_bytes;
    const auto nonce = nonce_of(writing_.iv, writing_.sequence++);
    int size = 0, of_type = 0, last = 0;
    const bool good =
        EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
        EVP_EncryptUpdate(context, nullptr, &size, header, header_bytes) == 1 &&
        EVP_EncryptUpdate(context, sealed, &size, reinterpret_cast<const unsigned char*>(content), static_cast<int>(bytes)) == 1 &&
        EVP_EncryptUpdate(context, sealed + bytes, &of_type, &type, 1) == 1 &&
        EVP_EncryptFinal_ex(context, sealed + bytes + 1, &last) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag_bytes, sealed + bytes + 1) == 1;
    return good ? header_bytes + payload : 0;
}

/// A KeyUpdate that the peer asked for, or that the number of records asks for. It goes before the next data.
std::size_t TlsRecords::seal_owed(char* out) {
    if (!key_update_owed_ && writing_.sequence < records_per_key_max) return 0;
    key_update_owed_ = false;
    static constexpr char not_requested[5] = {key_update_message, 0, 0, 1, 0};
    const std::size_t bytes = seal(out, handshake_type, not_requested, sizeof not_requested);
    return bytes != 0 && update_keys(writing_, true) ? bytes : 0;
}

/// @return whether nothing sealed is left; otherwise `result` says why.
bool TlsRecords::flush_unsent(int descriptor, IoResult& result) {
    while (!unsent_.empty()) {
        const ssize_t sent = ::send(descriptor, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            result.status = would_block(errno) ? IoResult::Status::would_block : IoResult::Status::failed;
            if (result.status == IoResult::Status::failed) failure_ = std::strerror(errno);
            return false;
        }
        unsent_.erase(0, static_cast<std::size_t>(sent));
    }
    std::string().swap(unsent_);
    return true;
}

IoResult TlsRecords::write(int descriptor, const char* from, std::size_t size) {
    IoResult result;
    if (!flush_unsent(descriptor, result)) return result;
    std::size_t done = std::min(size, std::exchange(taken_, 0));
    std::vector<char>& out = scratch().out;
    while (done < size) {
        std::size_t used = seal_owed(out.data()), taken = 0;
        for (std::size_t i = 0; i < records_per_write && done + taken < size; ++i) {
            const std::size_t chunk = std::min(plaintext_bytes_max, size - done - taken);
            const std::size_t sealed = seal(out.data() + used, application_data_type, from + done + taken, chunk);
            if (sealed == 0) {
                failure_ = "a record could not be sealed";
                return {IoResult::Status::failed, 0, false};
            }
            used += sealed;
            taken += chunk;
        }
        const ssize_t sent = ::send(descriptor, out.data(), used, MSG_NOSIGNAL);
        if (sent < 0 && !would_block(errno)) {
            failure_ = std::strerror(errno);
            return {IoResult::Status::failed, 0, false};
        }
        const std::size_t gone = sent < 0 ? 0 : static_cast<std::size_t>(sent);
        if (gone < used) {
            // Sealed once, it must leave as it is. The writer keeps these bytes until they have.
            unsent_.assign(out.data() + gone, used - gone);
            taken_ = taken;
            return done == 0 ? IoResult{IoResult::Status::would_block, 0, false} : IoResult{IoResult::Status::done, done, false};
        }
        done += taken;
    }
    return {IoResult::Status::done, done, false};
}

void TlsRecords::fail(std::string_view why, unsigned char alert) {
    failure_ = why;
    alert_ = alert;
    end_ = IoResult::Status::failed;
}

void TlsRecords::end(int descriptor) {
    IoResult ignored;
    if (ended_ || !flush_unsent(descriptor, ignored)) return;
    ended_ = true;
    constexpr char warning = 1, fatal = 2;
    const char content[2] = {alert_ == 0 ? warning : fatal, static_cast<char>(alert_)};
    std::vector<char>& out = scratch().out;
    const std::size_t bytes = seal(out.data(), alert_type, content, sizeof content);
    if (bytes != 0) static_cast<void>(::send(descriptor, out.data(), bytes, MSG_NOSIGNAL));
}

}  // namespace fogbank::broker
