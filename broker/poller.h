/// Readiness of a shard's sockets through one epoll set of its own, edge-triggered, that the shard's io_context waits for as a single
/// descriptor.
///
/// Why not one asio wait per socket: asio re-arms with a system call per wait and keeps an operation allocated per socket; here a socket is
/// registered once for its life, an idle one costs nothing but its kernel entry, and closing needs no cancelled handler to come home first.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>

#include "common/function.h"
#include "common/result.h"

namespace fogbank::broker {

/// What a socket's owner is told. Edges: having been told "readable" it reads until the socket would block, or comes back by itself.
struct Readiness {
    bool readable = false, writable = false;
    bool hung_up = false;  ///< the peer has closed or reset: reading will find the end
};

class Pollable {
  public:
    /// May remove itself or others from the poller, but an object that was removed must live until the batch is over (`after_batch`).
    virtual void on_ready(Readiness readiness) = 0;

  protected:
    ~Pollable() = default;
};

/// All functions on the shard's thread, except construction and destruction.
class Poller {
  public:
    /// @param before_batch, after_batch  called round each batch of events.
    Poller(boost::asio::io_context& io, UniqueFunction<void()> before_batch, UniqueFunction<void()> after_batch);
    ~Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    void start();
    void stop();
    Result<void> add(int descriptor, Pollable& pollable);
    /// From here on `pollable` is told, beginning with what is ready now. The descriptor must have been added.
    Result<void> replace(int descriptor, Pollable& pollable);
    void remove(int descriptor);

  private:
    Result<void> control(int operation, int descriptor, Pollable& pollable);
    void wait();
    void run_batch();

    boost::asio::posix::stream_descriptor epoll_;
    UniqueFunction<void()> before_batch_, after_batch_;
    bool stopped_ = false;
};

}  // namespace fogbank::broker
