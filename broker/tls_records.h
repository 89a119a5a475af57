/// TLS 1.3 records after the handshake, without libssl: what a connection keeps are two keys, not an SSL object.
///
/// Why: libssl keeps some 20 KiB a connection (the SSL and its session with the peer's parsed certificate, handshake state, buffers of
/// every kind) that nothing needs any more. What is left of the protocol after the handshake is little: seal, open, KeyUpdate, alerts. The
/// handshake itself, and all of TLS 1.2, stay with libssl. Source: RFC 8446, sections 5 (records), 4.6.3 (KeyUpdate), 6 (alerts), 7 (keys).
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker/stream.h"

namespace fogbank::broker {

struct TlsTrafficSecrets {
    std::string client, server;  ///< CLIENT_TRAFFIC_SECRET_0 and SERVER_TRAFFIC_SECRET_0, raw bytes
};

/// The server's side. One thread. Never blocks, never throws.
class TlsRecords {
  public:
    /// @param suite  TLS 1.3's number of the negotiated cipher suite. Null if it is unknown or a secret has not its hash's size.
    static std::unique_ptr<TlsRecords> create(std::uint16_t suite, const TlsTrafficSecrets& secrets);
    ~TlsRecords();
    TlsRecords(const TlsRecords&) = delete;
    TlsRecords& operator=(const TlsRecords&) = delete;

    /// As Stream::read and Stream::write. What was offered to a write that did not take all of it must be offered again.
    IoResult read(int descriptor, char* to, std::size_t size);
    IoResult write(int descriptor, const char* from, std::size_t size);
    /// close_notify, if nothing unsent stands before it.
    void end(int descriptor);
    const std::string& failure() const { return failure_; }

  private:
    struct ContextDeleter {
        void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
    };
    struct Suite {
        std::uint16_t number;
        const EVP_CIPHER* (*cipher)();
        const EVP_MD* (*hash)();
        std::uint8_t key_bytes, secret_bytes;
    };
    /// The protection of one direction.
    struct Direction {
        std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter> context;
        std::array<unsigned char, 48> secret{};
        std::array<unsigned char, 12> iv{};
        std::uint64_t sequence = 0;
        ~Direction();
    };

    explicit TlsRecords(const Suite& suite) : suite_(suite) {}
    static const Suite* find_suite(std::uint16_t number);
    bool begin(Direction& direction, std::string_view secret, bool seals);
    bool derive_keys(Direction& direction, bool seals);
    bool update_keys(Direction& direction, bool seals);
    bool expand_label(const Direction& direction, std::string_view label, unsigned char* out, std::size_t size) const;

    /// Opens what is complete in `bytes`; returns how many bytes of them were records. Plaintext goes to `to` from `filled` on, then to
    /// plain_.
    std::size_t open_records(char* bytes, std::size_t count, char* to, std::size_t size, std::size_t& filled);
    /// Opens one record in place. Returns the size of content and type, 0 on failure.
    std::size_t open(char* record, std::size_t payload_bytes);
    void take_content(unsigned char type, const char* content, std::size_t bytes, char* to, std::size_t size, std::size_t& filled);
    void take_handshake(std::string_view message);
    std::size_t seal(char* out, unsigned char type, const char* content, std::size_t bytes);
    std::size_t seal_owed(char* out);
    bool flush_unsent(int descriptor, IoResult& result);
    IoResult end_result() const { return {end_, 0, false}; }
    void fail(std::string_view why, unsigned char alert);

    const Suite& suite_;
    Direction reading_, writing_;
    std::string partial_;    ///< of a record whose rest has not come
    std::string plain_;      ///< opened, but the reader had no room for it
    std::string unsent_;     ///< sealed, but the socket had no room for it
    std::size_t taken_ = 0;  ///< plaintext in unsent_, which the writer will offer again
    std::string failure_;
    IoResult::Status end_ = IoResult::Status::done;  ///< anything else: what reads find after plain_
    unsigned char alert_ = 0;                        ///< owed to the peer
    std::uint8_t key_updates_ = 0;                   ///< of the read under way
    bool key_update_owed_ = false, ended_ = false;
};

}  // namespace fogbank::broker
