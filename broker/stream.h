/// Bytes to and from one peer over a non-blocking socket: plain here, TLS in tls.h.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "broker/close_code.h"

namespace fogbank::broker {

/// What an attempt came to.
struct IoResult {
    enum class Status {
        done,         ///< `bytes` were moved, perhaps fewer than asked for
        would_block,  ///< nothing now; an edge will tell
        closed,       ///< the peer has ended its side in order
        failed,       ///< reset, or garbage where TLS records should be
        violated,     ///< of a read: the peer broke the framing inside the stream (WebSocket)
    };
    Status status = Status::done;
    std::size_t bytes = 0;
    bool drained = false;  ///< of a read: the socket is empty, unless the peer has hung up
};

/// What the handshake told of the peer; all empty on a plain socket.
struct PeerFacts {
    std::string certificate_der;  ///< the leaf as sent
    std::string server_name;      ///< SNI
    std::string protocol;         ///< the one selected by ALPN
};

/// Owns its socket. One thread. Never blocks, never throws.
class Stream {
  public:
    virtual ~Stream() = default;
    virtual int descriptor() const = 0;

    /// Goes on with the handshake. `done` once it is complete (at once where there is none).
    virtual IoResult handshake() = 0;
    /// After the handshake, once: what it holds is given away or freed.
    virtual PeerFacts take_peer_facts() = 0;
    virtual IoResult read(char* to, std::size_t size) = 0;
    virtual IoResult write(const char* from, std::size_t size) = 0;
    /// Whether a read may have to wait until the socket is writable.
    virtual bool reads_may_write() const = 0;
    /// Whether the peer has said that it ends the stream on purpose (a WebSocket's Close).
    virtual bool ended_in_order() const { return false; }
    /// Tells the peer that nothing more comes, and why if the stream has a word for it, as far as that is possible without waiting.
    virtual void end(CloseCode code) = 0;
    /// Why the last attempt failed, for the log.
    virtual std::string failure() const = 0;
};

/// @param descriptor  a connected non-blocking socket; owned from here on.
std::unique_ptr<Stream> make_plain_stream(int descriptor);

/// A descriptor that is closed with its owner.
class OwnedDescriptor {
  public:
    explicit OwnedDescriptor(int descriptor) : descriptor_(descriptor) {}
    ~OwnedDescriptor();
    OwnedDescriptor(const OwnedDescriptor&) = delete;
    OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;
    int get() const { return descriptor_; }

  private:
    int descriptor_;
};

}  // namespace fogbank::broker
